"""Columns of a clean batch → tensors, micro-batch by micro-batch, without a Python object per row."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from scoring.core.binding import InputBinding, Shape
from scoring.core.columns import Dtype
from scoring.model.arrays import to_numpy
from scoring.model.text_sizes import TextSizes, even_bounds

BLOCK_ROWS = 4_096
"""Rows converted at once: a matrix over a whole row group falls out of the cache and costs twice as much."""

LONG_TEXT = 64
"""Characters from which on a fixed-width numpy text would waste more memory than Python objects do."""

Tensor = NDArray[Any]
Rows = Callable[[int, int], Tensor]


class Feeds:
    """The tensors of one batch."""

    def __init__(self, batch: pa.RecordBatch, inputs: Sequence[InputBinding]) -> None:
        """batch: its slots hold exactly the tensors' types, and no nulls in features."""
        self._rows = batch.num_rows
        self._text_sizes = TextSizes(batch, inputs)
        self._builders = {bound.input: _builder(batch, bound) for bound in inputs}

    def micro_batches(
        self, rows: int, start: int = 0, stop: int | None = None, *, exact: bool = False
    ) -> Iterator[tuple[int, dict[str, Tensor]]]:
        """(first row, input → tensor of at most `rows` rows) over the rows [start, stop) of the batch.

        Of rows with long texts there are fewer in a tensor, unless exact.
        """
        stop = self._rows if stop is None else min(stop, self._rows)
        block = rows * max(1, BLOCK_ROWS // rows)
        for first in range(start, stop, block):
            last = min(first + block, stop)
            tensors = {name: build(first, last) for name, build in self._builders.items()}
            bounds = even_bounds(first, last, rows) if exact else self._text_sizes.bounds(first, last, rows)
            for low, high in bounds:
                yield low, {name: tensor[low - first : high - first] for name, tensor in tensors.items()}


def _builder(batch: pa.RecordBatch, bound: InputBinding) -> Rows:
    columns = [batch.column(slot) for slot in bound.slots]
    match bound.shape:
        case Shape.VECTOR:
            return _column(columns[0], bound.dtype)
        case Shape.COLUMN:
            return _shaped(_column(columns[0], bound.dtype), (1,))
        case Shape.MATRIX:
            return _rows_of(columns, bound)
        case Shape.TENSOR:
            return _shaped(_rows_of(columns, bound), bound.dims)


def _shaped(values: Rows, axes: tuple[int, ...]) -> Rows:
    return lambda first, last: values(first, last).reshape(-1, *axes)


def _rows_of(columns: Sequence[pa.Array], bound: InputBinding) -> Rows:
    """[n, values per row]."""
    if pa.types.is_fixed_size_list(columns[0].type):
        return _list(columns[0], bound.dtype)
    if bound.dtype in (Dtype.STRING, Dtype.BOOL):
        parts = [_column(column, bound.dtype) for column in columns]
        return lambda first, last: np.stack([part(first, last) for part in parts], axis=1)
    return _matrix(pa.RecordBatch.from_arrays(columns, names=list(bound.slots)))


def _column(column: pa.Array, dtype: Dtype) -> Rows:
    if dtype is Dtype.STRING:
        return _text(column)
    values = to_numpy(column)
    return lambda first, last: values[first:last]


def _matrix(numbers: pa.RecordBatch) -> Rows:
    """Columns of one type → C-order [n, F], in C++ with the GIL released."""

    def build(first: int, last: int) -> Tensor:
        tensor: Tensor = numbers.slice(first, last - first).to_tensor().to_numpy()
        return tensor

    return build


def _list(column: pa.Array, dtype: Dtype) -> Rows:
    size = column.type.list_size
    # `.values` ignores the offset of a slice; `.flatten()` honours it but copies.
    flat = _column(column.values.slice(column.offset * size, len(column) * size), dtype)
    return lambda first, last: flat(first * size, last * size).reshape(-1, size)


def _text(column: pa.Array) -> Rows:
    """Through the dictionary: one Python str per distinct value, whatever the number of rows."""
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    words = _words(encoded.dictionary.to_pylist())
    codes = to_numpy(encoded.indices)
    return lambda first, last: np.take(words, codes[first:last])


def _words(distinct: list[str]) -> Tensor:
    """Fixed-width text feeds ONNX Runtime 15 % faster than objects, but the runtime ends such a text at a NUL."""
    fixed = all(len(word) <= LONG_TEXT and "\0" not in word for word in distinct)
    return np.array(distinct, dtype=np.str_ if fixed else object)
