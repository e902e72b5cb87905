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
    """Texts → an Arrow string array."""
    joined = "".join(values)
    # The length of a str is its length in bytes for ASCII alone.
    pieces: Sequence[str] | list[bytes] = values if joined.isascii() else [v.encode("utf-8", "replace") for v in values]
    data = joined.encode("utf-8", "replace")
    offsets = np.zeros(len(values) + 1, np.int32)
    np.cumsum(np.fromiter(map(len, pieces), np.int32, len(values)), out=offsets[1:])
    return pa.Array.from_buffers(pa.string(), len(values), [None, pa.py_buffer(offsets), pa.py_buffer(data)])
