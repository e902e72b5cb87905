"""How much text the rows of a batch feed to a model, so that one run is not handed gigabytes of it."""

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from scoring.core.binding import InputBinding
from scoring.core.columns import Dtype
from scoring.core.limits import MAX_RUN_TEXT_BYTES
from scoring.model.arrays import to_numpy, valid, values_of

Ints = NDArray[np.int64]


def even_bounds(first: int, last: int, rows: int) -> Iterator[tuple[int, int]]:
    """The rows [first, last) in runs of `rows`, the last one of what is left."""
    yield from ((low, min(low + rows, last)) for low in range(first, last, rows))


class TextSizes:
    """Bytes of text by row, over all inputs."""

    def __init__(self, batch: pa.RecordBatch, inputs: Sequence[InputBinding]) -> None:
        texts = [batch.column(slot) for bound in inputs if bound.dtype is Dtype.STRING for slot in bound.slots]
        self._rows = batch.num_rows
        self._columns = [_Lengths(text) for text in texts]

    def bounds(self, first: int, last: int, rows: int) -> Iterator[tuple[int, int]]:
        """The rows [first, last) in runs of `rows` at most, of fewer where their text is more than a run may take."""
        if self._longest * min(rows, self._rows) <= MAX_RUN_TEXT_BYTES:
            yield from even_bounds(first, last, rows)
            return
        low = first
        while low < last:
            fitting = int(np.searchsorted(self._before, self._before[low] + MAX_RUN_TEXT_BYTES, side="right")) - 1
            high = min(max(fitting, low + 1), low + rows, last)
            yield low, high
            low = high

    @cached_property
    def _longest(self) -> int:
        """No row has more bytes."""
        return sum(column.longest for column in self._columns)

    @cached_property
    def _before(self) -> Ints:
        """[n + 1] bytes in the rows before each."""
        before = np.zeros(self._rows + 1, np.int64)
        for column in self._columns:
            before[1:] += column.by_row()
        return before.cumsum()


class _Lengths:
    """Of one column of texts, or of lists of them: known by its words, of which many rows share one."""

    def __init__(self, column: pa.Array) -> None:
        self._per_row = 1
        if pa.types.is_fixed_size_list(column.type):
            self._per_row = column.type.list_size
            column = column.values.slice(column.offset * self._per_row, len(column) * self._per_row)
        coded = pa.types.is_dictionary(column.type)
        self._codes = column.indices if coded else None
        self._words = _lengths(column.dictionary if coded else column)

    @property
    def longest(self) -> int:
        return int(self._words.max()) * self._per_row if len(self._words) else 0

    def by_row(self) -> Ints:
        """[n]"""
        cells = self._words if self._codes is None else self._words[to_numpy(self._codes)]
        total: Ints = cells.reshape(-1, self._per_row).sum(axis=1)
        return total


def _lengths(words: pa.Array) -> Ints:
    plain = words.cast(pa.large_string()) if pa.types.is_string_view(words.type) else words
    lengths = values_of(pc.binary_length(plain)).astype(np.int64)
    return np.where(valid(plain), lengths, 0) if plain.null_count else lengths
