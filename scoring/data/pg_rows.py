"""Rows as Postgres sends them, in one digest: what a table holds of a chunk can be held against its part.

SHA-256 over the SHA-256 of each row. A row is its fields, each its length (-1: null) and the bytes of Postgres's binary
form, but for two that this form writes in several ways: a decimal is the text of its digits without the point, and a
list is the fields of its elements. The other side of it is `ledger/result_digest.py`.
"""

from hashlib import sha256
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scoring.data.arrays import null_mask, values_of
from scoring.data.pg_types import is_list
from scoring.data.pgcopy import bounds_of, offsets_of, ragged, row_bytes

_DIGITS = 76
"""Of the widest decimals."""


class RowsDigest:
    """Fed with the batches of one chunk, in row order."""

    def __init__(self, head: bytes = b"") -> None:
        """head: fields before those of the batches, the same in every row."""
        self._head = head
        self._rows = sha256()

    def update(self, batch: pa.RecordBatch) -> None:
        """Raises TableRefused for a value that Postgres cannot hold."""
        columns = [_comparable(column) for column in batch.columns]
        rows = row_bytes(pa.record_batch(columns, names=batch.schema.names), self._head)
        data, offsets = memoryview(rows.buffers()[2]), offsets_of(rows).tolist()
        for first, last in pairwise(offsets):
            self._rows.update(sha256(data[first:last]).digest())

    def hexdigest(self) -> str:
        return self._rows.hexdigest()


def _comparable(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if is_list(kind):
        return _bodies(column)
    if pa.types.is_decimal(kind):
        wide = pc.cast(column, pa.decimal256(_DIGITS, kind.scale))
        whole = pa.Array.from_buffers(pa.decimal256(_DIGITS, 0), len(wide), wide.buffers(), offset=wide.offset)
        return pc.cast(whole, pa.large_string())
    return pc.cast(column, pa.large_string()) if pa.types.is_uint64(kind) else column


def _bodies(lists: pa.Array) -> pa.Array:
    sizes, nulls = values_of(pc.list_value_length(lists)).astype(np.int64), null_mask(lists)
    if nulls is not None:
        sizes = np.where(nulls, 0, sizes)
    elements = pa.record_batch([_comparable(pc.list_flatten(lists))], names=[""])
    flat = row_bytes(elements, b"")
    return ragged(offsets_of(flat)[bounds_of(sizes)], flat.buffers()[2], nulls)
