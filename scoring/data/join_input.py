"""The input beside its scores, by `_row`: both sides come in row order, so that a batch of each is held at a time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from scoring.core.errors import InputRefused
from scoring.core.options import CsvDialect
from scoring.core.source import InputFile
from scoring.data.arrays import Ints, number_array, values_of
from scoring.data.faults import shown
from scoring.data.input_rows import InputPiece, input_schema, read_input

ROW = "_row"
_AGAIN = "name the files that the job read, in the order in which it read them"
_BITS = {pa.float16(): pa.uint16(), pa.float32(): pa.uint32(), pa.float64(): pa.uint64()}
"""Floats are compared by their bits: a NaN is the same as itself."""


@dataclass(frozen=True, kw_only=True)
class JoinedInput:
    """What is laid beside a result."""

    files: tuple[InputFile, ...]
    # As the job read them.
    dialect: CsvDialect
    # Input columns that the job carried to the result: they must be the same on both sides.
    carried: tuple[str, ...]
    # Rows that the job read; None: its split has not ended.
    rows: int | None
    # Of the job: the first rows only.
    limit: int | None


class InputJoin:
    """The join of one result. Its counts are known once all batches were taken."""

    def __init__(self, result: pa.Schema, joined: JoinedInput) -> None:
        self._joined = joined
        self.files = joined.files
        found = input_schema(joined.files, joined.dialect)
        self._added = [field for field in found if field.name not in result.names]
        self._compared = [field for field in found if field.name in joined.carried and field.name in result.names]
        # The result's columns, then those that only the input has.
        self.schema = pa.schema([*result.remove_metadata(), *self._added])
        # Columns of the input that are left out: the result has another one of that name.
        self.hidden = [name for name in found.names if name in result.names and name not in joined.carried]
        # Rows of the input that have no score.
        self.unscored = 0

    def batches(self, result: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The rows of the result, in its order. Raises InputRefused where the input is another one."""
        joined = self._joined
        wanted = pa.schema([*self._compared, *self._added])
        source = _Source(read_input(joined.files, wanted, joined.dialect, limit=joined.limit))
        scored = 0
        for batch in result:
            scored += batch.num_rows
            yield from self._beside(batch, source)
        total = source.read_to_end()
        if joined.rows is not None and total != joined.rows:
            raise _other_length(joined.rows, total)
        self.unscored = total - scored

    def _beside(self, batch: pa.RecordBatch, source: "_Source") -> Iterator[pa.RecordBatch]:
        while batch.num_rows:
            rows = values_of(batch.column(ROW))
            piece = source.reach(int(rows[0]), self._joined.rows)
            count = int(np.searchsorted(rows, piece.end))
            found = _rows_of(piece, rows[:count])
            head = batch.slice(0, count)
            for field in self._compared:
                _require_same(field.name, head, found)
            columns = [*head.columns, *(found.column(field.name) for field in self._added)]
            yield pa.RecordBatch.from_arrays(columns, schema=self.schema)
            batch = batch.slice(count)


class _Source:
    """The input, read as far as it was asked for."""

    def __init__(self, pieces: Iterator[InputPiece]) -> None:
        self._pieces = pieces
        self._piece: InputPiece | None = None

    @property
    def _end(self) -> int:
        return self._piece.end if self._piece is not None else 0

    def reach(self, row: int, expected: int | None) -> InputPiece:
        """The piece with `row` in it. Raises InputRefused where the input ends before."""
        while self._piece is None or self._piece.end <= row:
            piece = next(self._pieces, None)
            if piece is None:
                raise _other_length(expected if expected is not None else row + 1, self._end)
            self._piece = piece
        return self._piece

    def read_to_end(self) -> int:
        """All rows of the input."""
        for piece in self._pieces:
            self._piece = piece
        return self._end


def _rows_of(piece: InputPiece, rows: Ints) -> pa.RecordBatch:
    """Those rows of the piece, in this order; a slice where they are neighbours."""
    index = np.searchsorted(piece.rows, rows)
    missing = (index == len(piece.rows)) | (piece.rows.take(index, mode="clip") != rows if len(piece.rows) else True)
    if missing.any():
        raise InputRefused(
            f"row {rows[missing][0]} of the input has a score, but cannot be read now",
            expected="as many cells as the file has columns, in its encoding",
            got="a row that is short, long or no text",
            remedy=_AGAIN,
        )
    if int(index[-1]) - int(index[0]) == len(index) - 1:
        return piece.batch.slice(int(index[0]), len(index))
    return piece.batch.take(number_array(index))


def _require_same(name: str, result: pa.RecordBatch, found: pa.RecordBatch) -> None:
    ours, theirs = _plain(result.column(name)), _plain(found.column(name))
    if _same(ours, theirs):
        return
    for row, wanted, got in zip(result.column(ROW).to_pylist(), ours.to_pylist(), theirs.to_pylist(), strict=True):
        if repr(wanted) != repr(got):
            raise InputRefused(
                f"the input is not the one that was scored: column {name!r} differs",
                expected=f"{shown(wanted)} in row {row}",
                got=shown(got),
                remedy=_AGAIN,
            )


def _same(ours: pa.Array, theirs: pa.Array) -> bool:
    try:
        return bool(_bits(ours).equals(_bits(theirs.cast(ours.type))))
    except pa.ArrowException:
        return False


def _plain(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _bits(column: pa.Array) -> pa.Array:
    return column.view(_BITS[column.type]) if column.type in _BITS else column


def _other_length(expected: int, got: int) -> InputRefused:
    return InputRefused(
        "the input is not the one that was scored",
        expected=f"{expected:,} rows, as the job has read",
        got=f"{got:,} rows",
        remedy=_AGAIN,
    )
