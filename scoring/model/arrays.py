"""Arrow to numpy and back, without pandas.

Array.to_numpy(), pa.array(ndarray), pa.array(list) and a Python number handed to a compute function all import pandas
at their first call: 0.3 s in every process.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_JOINED_ROWS = 1_024


def to_numpy(array: pa.Array) -> NDArray[Any]:
    """Numbers or bool without nulls → the same as numpy [n]; a view where Arrow's layout is numpy's."""
    if pa.types.is_boolean(array.type):
        # Arrow packs eight of them into a byte, which DLPack does not know.
        flags: NDArray[np.bool_] = np.from_dlpack(pc.cast(array, pa.uint8())).view(np.bool_)
        return flags
    view: NDArray[Any] = np.from_dlpack(array)
    return view


def values_of(array: pa.Array) -> NDArray[Any]:
    """Numbers or bool with nulls → numpy [n], with anything at all where the array is null."""
    return to_numpy(pa.Array.from_buffers(array.type, len(array), [None, array.buffers()[1]], offset=array.offset))


def valid(array: pa.Array) -> NDArray[np.bool_]:
    """bool [n]: true where the array is not null."""
    return to_numpy(pc.is_valid(array))


def to_arrow(values: NDArray[Any]) -> pa.Array:
    """numpy [n] of numbers, bool or text → an Arrow array of the same type, without nulls."""
    if values.dtype.kind in "OUT":
        return text_array(values.tolist())
    if values.dtype.kind == "b":
        bits = np.packbits(values, bitorder="little")
        return pa.Array.from_buffers(pa.bool_(), len(values), [None, pa.py_buffer(bits)])
    flat = np.ascontiguousarray(values)
    return pa.Array.from_buffers(pa.type_for_alias(flat.dtype.name), len(flat), [None, pa.py_buffer(flat)])


def text_array(values: Sequence[str]) -> pa.Array:
    """Texts → an Arrow string array, some rows at a time: long texts are not held once more on the way."""
    data = bytearray()
    offsets = np.zeros(len(values) + 1, np.int32)
    for first in range(0, len(values), _JOINED_ROWS):
        some = values[first : first + _JOINED_ROWS]
        joined = "".join(some)
        # The length of a str is its length in bytes for ASCII alone.
        cells: Sequence[str] | list[bytes] = some if joined.isascii() else [v.encode("utf-8", "replace") for v in some]
        offsets[first + 1 : first + 1 + len(some)] = np.fromiter(map(len, cells), np.int32, len(some))
        data += joined.encode("utf-8", "replace")
    return pa.Array.from_buffers(
        pa.string(), len(values), [None, pa.py_buffer(offsets.cumsum(dtype=np.int32)), pa.py_buffer(data)]
    )
