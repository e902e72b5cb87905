"""Between numpy and Arrow without a copy, and without pandas.

The trap: ``pa.array(...)``, ``pa.scalar(...)`` and ``Array.to_numpy()`` import pandas at their first call (0.3 s).
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from scoring.core.columns import Dtype

Mask: TypeAlias = npt.NDArray[np.bool_]
Ints: TypeAlias = npt.NDArray[np.int64]
# Of any number type, or bool.
Numbers: TypeAlias = npt.NDArray[Any]

ARROW_TYPES: dict[Dtype, pa.DataType] = {
    Dtype.FLOAT16: pa.float16(),
    Dtype.FLOAT32: pa.float32(),
    Dtype.FLOAT64: pa.float64(),
    Dtype.INT8: pa.int8(),
    Dtype.INT16: pa.int16(),
    Dtype.INT32: pa.int32(),
    Dtype.INT64: pa.int64(),
    Dtype.UINT8: pa.uint8(),
    Dtype.UINT16: pa.uint16(),
    Dtype.UINT32: pa.uint32(),
    Dtype.UINT64: pa.uint64(),
    Dtype.BOOL: pa.bool_(),
    Dtype.STRING: pa.string(),
}


def values_of(array: pa.Array) -> Numbers:
    """The values of a number or bool array of length n, as [n]; what stands at nulls is undefined."""
    data = array.buffers()[1]
    if pa.types.is_boolean(array.type):
        return _bits(data, array.offset, len(array))
    dtype = np.dtype(str(array.type).replace("halffloat", "float16").replace("double", "float64"))
    if str(array.type) == "float":
        dtype = np.dtype(np.float32)
    if len(array) == 0 or data is None:
        return np.empty(0, dtype)
    return np.frombuffer(data, dtype, count=len(array), offset=array.offset * dtype.itemsize)


def null_mask(array: pa.Array) -> Mask | None:
    """True where the array is null; None where nothing is."""
    if array.null_count == 0:
        return None
    return _bits(array.is_null().buffers()[1], 0, len(array))


def bool_array(mask: Mask) -> pa.BooleanArray:
    bits = np.packbits(mask, bitorder="little")
    return pa.Array.from_buffers(pa.bool_(), len(mask), [None, pa.py_buffer(bits)])


def number_array(values: Numbers, nulls: Mask | None = None) -> pa.Array:
    """[n] numbers or bools as an Arrow array; null where `nulls` is True."""
    validity = None if nulls is None or not nulls.any() else pa.py_buffer(np.packbits(~nulls, bitorder="little"))
    if values.dtype == np.bool_:
        return pa.Array.from_buffers(
            pa.bool_(), len(values), [validity, pa.py_buffer(np.packbits(values, bitorder="little"))]
        )
    data = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(ARROW_TYPES[Dtype(values.dtype.name)], len(values), [validity, data])


def text_array(values: Sequence[str | None]) -> pa.StringArray:
    """Python strings as an Arrow array of 32-bit offsets; None becomes null."""
    cells = [b"" if value is None else value.encode("utf-8", "backslashreplace") for value in values]
    offsets = np.zeros(len(cells) + 1, np.int32)
    np.cumsum([len(cell) for cell in cells], out=offsets[1:])
    nulls = np.fromiter((value is None for value in values), np.bool_, len(cells))
    validity = pa.py_buffer(np.packbits(~nulls, bitorder="little")) if nulls.any() else None
    return pa.Array.from_buffers(
        pa.string(), len(cells), [validity, pa.py_buffer(offsets), pa.py_buffer(b"".join(cells))]
    )


def one_value(array: pa.Array, row: int) -> Any:
    """The value of one row for a message, dates and times as text.

    The trap: nanoseconds import pandas, or fail without it; years beyond 9999 fail as well.
    """
    if not pa.types.is_temporal(array.type):
        return array[row].as_py()
    cells = array.slice(row, 1)
    if pa.types.is_timestamp(array.type):
        cells = cells.view(pa.timestamp(array.type.unit))
    return cells.cast(pa.int64() if pa.types.is_duration(array.type) else pa.string())[0].as_py()


def one_chunk(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    if isinstance(column, pa.ChunkedArray):
        return (
            column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks or [pa.nulls(0, column.type)])
        )
    return column


def one_batch(table: pa.Table) -> pa.RecordBatch:
    """The whole table as one contiguous batch."""
    return pa.RecordBatch.from_arrays([one_chunk(column) for column in table.columns], schema=table.schema)


def keep_rows(batch: pa.RecordBatch, dropped: Mask) -> pa.RecordBatch:
    """The batch without the rows where `dropped` is True."""
    if not dropped.any():
        return batch
    kept = bool_array(~dropped)
    return pa.RecordBatch.from_arrays([_filtered(column, kept) for column in batch.columns], schema=batch.schema)


def _filtered(array: pa.Array, kept: pa.BooleanArray) -> pa.Array:
    if not pa.types.is_string_view(array.type):
        return array.filter(kept)
    # Arrow has no filter for views.
    return array.cast(pa.large_string()).filter(kept).cast(array.type)


def _bits(data: pa.Buffer | None, offset: int, length: int) -> Mask:
    if data is None:
        return np.zeros(length, np.bool_)
    packed = np.frombuffer(data, np.uint8)[offset // 8 : (offset + length + 7) // 8]
    start = offset % 8
    return np.unpackbits(packed, bitorder="little")[start : start + length].view(np.bool_)
