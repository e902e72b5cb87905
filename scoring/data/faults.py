"""What is wrong with the rows of one batch, and what was decided about those that stay."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from scoring.core.columns import ColumnSpec, RejectCode, WarningCode
from scoring.data.arrays import Mask, one_value
from scoring.data.warnings import Notes

_SHOWN_CHARACTERS = 60


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Why a row of a batch is rejected: the first fault found, in the order of the columns."""

    # Row of the batch that was screened.
    row: int
    column: str
    code: RejectCode
    reason: str


class Faults:
    """Faults of one batch of `rows` rows, one per row at most; raw: reasons may show the values at fault."""

    def __init__(self, rows: int, *, raw: bool = True) -> None:
        self.dropped: Mask = np.zeros(rows, np.bool_)
        self.found: list[Fault] = []
        self.raw = raw
        self._notes = Notes()

    def add(self, rows: Mask, column: str, code: RejectCode, reason: Callable[[int], str]) -> None:
        for row in np.flatnonzero(rows & ~self.dropped).tolist():
            self.found.append(Fault(row=row, column=column, code=code, reason=reason(row)))
        self.dropped |= rows

    def note(self, rows: Mask, column: str, code: WarningCode) -> None:
        """These rows may stay, and are counted if they do."""
        self._notes = self._notes.joined(rows, column, code)

    @property
    def notes(self) -> Notes:
        """Of the rows that stay; numbered without the others."""
        return self._notes.without(self.dropped)

    def shown(self, value: object) -> str:
        """A cell in a reason."""
        return shown(value) if self.raw else "the value"


def shown_rows(batch: pa.RecordBatch, columns: Sequence[ColumnSpec], rows: Iterable[int]) -> Iterator[str]:
    """`name=value, …` for each of these rows. A column stands once, however many slots it has."""
    named = {spec.name: batch.column(spec.slot) for spec in columns}
    for row in rows:
        yield ", ".join(f"{name}={shown(one_value(cells, row))}" for name, cells in named.items())


def shown(value: object) -> str:
    """A cell in a message; control characters are escaped."""
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
