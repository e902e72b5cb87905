"""What is wrong with the rows of one batch."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from scoring.core.columns import RejectCode
from scoring.data.arrays import Mask

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
    """Faults of one batch of `rows` rows, one per row at most."""

    def __init__(self, rows: int) -> None:
        self.dropped: Mask = np.zeros(rows, np.bool_)
        self.found: list[Fault] = []

    def add(self, rows: Mask, column: str, code: RejectCode, reason: Callable[[int], str]) -> None:
        for row in np.flatnonzero(rows & ~self.dropped).tolist():
            self.found.append(Fault(row=row, column=column, code=code, reason=reason(row)))
        self.dropped |= rows


def shown(value: object) -> str:
    """A cell in a message."""
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
