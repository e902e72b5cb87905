"""Record batches in the binary form of Postgres's COPY: vectorised, a block of rows at a time, memory flat.

A row is a count of fields, then for each field its length (-1: null) and its bytes, all big-endian. What has the same
length in every row of a block is laid out as one structured array; texts, lists and what may be null are ragged, and
joined in between by Arrow.
"""

import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from scoring.data.arrays import Mask, null_mask, values_of
from scoring.data.pg_types import is_list, is_text_like, oid_of
from scoring.data.pg_values import fixed_values

BLOCK_ROWS = 32_768
BLOCK_BYTES = 8 * 2**20
"""Rows of a block are fewer where they are long."""

HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
TRAILER = struct.pack(">h", -1)

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def copy_blocks(batch: pa.RecordBatch, leading: Sequence[bytes | None] = ()) -> Iterator[bytes | memoryview]:
    """The whole of a COPY … (FORMAT binary). Raises TableRefused for a value that Postgres cannot hold.

    leading: fields before the batch's own, the same in every row, as Postgres sends them; None is null.
    """
    yield HEADER
    rows = max(1, min(BLOCK_ROWS, BLOCK_BYTES * batch.num_rows // max(1, batch.nbytes)))
    for first in range(0, batch.num_rows, rows):
        yield _block(batch.slice(first, rows), leading)
    yield TRAILER


def text_field(value: str) -> bytes:
    return value.encode()


def integer_field(value: int) -> bytes:
    return struct.pack(">i", value)


def instant_field(moment: datetime) -> bytes:
    """An aware datetime as a timestamptz: microseconds since 2000."""
    return struct.pack(">q", (moment - _EPOCH) // timedelta(microseconds=1))


@dataclass(frozen=True, kw_only=True)
class _Field:
    """One column of a block: the length of each value, and the values."""

    # int32 [n], -1 where null; or the one length of all.
    lengths: NDArray[np.int32] | int
    # [n] big-endian or uint8 [n, w] where `lengths` is one number; else large_binary [n], or null.
    values: NDArray[Any] | pa.Array


def _block(batch: pa.RecordBatch, leading: Sequence[bytes | None]) -> memoryview:
    rows = row_bytes(batch, _count(len(leading) + batch.num_columns) + fields_of(leading))
    return memoryview(rows.buffers()[2])[: offsets_of(rows)[-1]]


def row_bytes(batch: pa.RecordBatch, head: bytes) -> pa.LargeBinaryArray:
    """Of each row: `head`, then each field with its length. Raises TableRefused."""
    fields = [_field(pair.name, column) for pair, column in zip(batch.schema, batch.columns, strict=True)]
    return _rows(head, fields, batch.num_rows)


def fields_of(values: Sequence[bytes | None]) -> bytes:
    """Each with its length; None is null."""
    return b"".join(struct.pack(">i", -1 if v is None else len(v)) + (v or b"") for v in values)


def _count(fields: int) -> bytes:
    return struct.pack(">h", fields)


def _rows(head: bytes, fields: Sequence[_Field], count: int) -> pa.LargeBinaryArray:
    """The bytes of each row: `head`, then each field with its length."""
    segments: list[pa.Array] = []
    fixed: list[NDArray[Any]] = [np.broadcast_to(np.frombuffer(head, np.uint8), (count, len(head)))]
    for field in fields:
        fixed.append(_lengths(field, count))
        if isinstance(field.values, np.ndarray):
            fixed.append(field.values)
        else:
            segments += [_side_by_side(fixed), field.values]
            fixed = []
    if fixed:
        segments.append(_side_by_side(fixed))
    if len(segments) == 1:
        return segments[0]
    nothing = ragged(np.zeros(2, np.int64), b"")[0]
    return pc.binary_join_element_wise(*segments, nothing, null_handling="replace", null_replacement="")


def _lengths(field: _Field, count: int) -> NDArray[Any]:
    lengths = field.lengths if isinstance(field.lengths, np.ndarray) else np.broadcast_to(field.lengths, count)
    return lengths.astype(">i4")


def _side_by_side(columns: Sequence[NDArray[Any]]) -> pa.LargeBinaryArray:
    """[n] or uint8 [n, w] each → their bytes, row by row."""
    layout = np.dtype([(f"f{place}", column.dtype, column.shape[1:]) for place, column in enumerate(columns)])
    rows = np.empty(len(columns[0]), layout)
    for place, column in enumerate(columns):
        rows[f"f{place}"] = column
    return ragged(np.arange(len(rows) + 1) * layout.itemsize, rows)


def ragged(offsets: NDArray[np.int64], data: Any, nulls: Mask | None = None) -> pa.LargeBinaryArray:
    """The pieces of `data` between [n + 1] offsets."""
    validity = None if nulls is None else pa.py_buffer(np.packbits(~nulls, bitorder="little"))
    buffers = [validity, pa.py_buffer(offsets), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.large_binary(), len(offsets) - 1, buffers)


def offsets_of(values: pa.LargeBinaryArray) -> NDArray[np.int64]:
    """[n + 1], into the buffer behind them."""
    return np.frombuffer(values.buffers()[1], np.int64, count=len(values) + 1, offset=8 * values.offset)


def _field(name: str, column: pa.Array) -> _Field:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if is_list(column.type):
        return _list_field(name, column)
    if is_text_like(column.type):
        return _ragged_field(_bytes_of(column))
    return _fixed_field(name, column)


def _fixed_field(name: str, column: pa.Array) -> _Field:
    values, nulls = fixed_values(column, name), null_mask(column)
    width = values.dtype.itemsize * math.prod(values.shape[1:])
    if nulls is None:
        return _Field(lengths=width, values=values)
    lengths = np.where(nulls, np.int32(-1), np.int32(width))
    return _Field(lengths=lengths, values=ragged(bounds_of(np.where(nulls, 0, width)), values[~nulls]))


def _ragged_field(values: pa.LargeBinaryArray) -> _Field:
    lengths, nulls = np.diff(offsets_of(values)).astype(np.int32), null_mask(values)
    return _Field(lengths=lengths if nulls is None else np.where(nulls, np.int32(-1), lengths), values=values)


def _list_field(name: str, column: pa.Array) -> _Field:
    """Each list is a header of 20 bytes and its elements, as fields of their own."""
    sizes, nulls = values_of(pc.list_value_length(column)).astype(np.int64), null_mask(column)
    if nulls is not None:
        sizes = np.where(nulls, 0, sizes)
    elements = _field(name, pc.list_flatten(column))
    head = np.empty((len(column), 5), ">i4")
    head[:, 0] = 1  # dimensions
    head[:, 1] = not isinstance(elements.lengths, int)  # some may be null
    head[:, 2] = oid_of(column.type)
    head[:, 3] = sizes
    head[:, 4] = 1  # subscript of the first element
    flat = _rows(b"", [elements], int(sizes.sum()))
    bodies = ragged(offsets_of(flat)[bounds_of(sizes)], flat.buffers()[2], nulls)
    nothing = ragged(np.zeros(2, np.int64), b"")[0]
    return _ragged_field(pc.binary_join_element_wise(_side_by_side([head.view(np.uint8)]), bodies, nothing))


def bounds_of(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """[n + 1]: where each of them begins, and the end."""
    bounds = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=bounds[1:])
    return bounds


def _bytes_of(texts: pa.Array) -> pa.LargeBinaryArray:
    """The same as large_binary; the offsets of a slice need not begin at 0."""
    if pa.types.is_string_view(texts.type):
        texts = pc.cast(texts, pa.large_string())
    return pc.cast(texts, pa.large_binary())
