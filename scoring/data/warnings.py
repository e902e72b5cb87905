"""Which of the clean rows something was decided about: a null became NaN, a whole number was rounded."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from scoring.core.chunks import WarningCount
from scoring.core.columns import NullAction, WarningCode
from scoring.data.arrays import Mask

NOTED = {NullAction.NAN: WarningCode.NULL_AS_NAN, NullAction.FILL: WarningCode.NULL_FILLED}
"""What is counted where a null is not rejected."""

_Key = tuple[WarningCode, str]


@dataclass(frozen=True, kw_only=True)
class Notes:
    """Rows of one batch by what was decided about them, and of which column."""

    # [n] per code and column, True for these rows; none where there are no such rows.
    rows: Mapping[_Key, Mask] = field(default_factory=dict)

    def joined(self, rows: Mask, column: str, code: WarningCode) -> "Notes":
        """With these rows as well. A row counts once for a column, however many inputs the column feeds."""
        if not rows.any():
            return self
        known = self.rows.get((code, column))
        return Notes(rows={**self.rows, (code, column): rows if known is None else known | rows})

    def without(self, dropped: Mask) -> "Notes":
        if not self.rows or not dropped.any():
            return self
        return Notes(rows={key: rows[~dropped] for key, rows in self.rows.items()})

    def counts(self, start: int = 0, stop: int | None = None) -> tuple[WarningCount, ...]:
        """Of the rows [start, stop); in the order of codes and columns."""
        counts = {key: int(np.count_nonzero(rows[start:stop])) for key, rows in self.rows.items()}
        return _sorted(counts)


def summed(counts: Iterable[WarningCount]) -> tuple[WarningCount, ...]:
    """One count for each code and column."""
    sums: dict[_Key, int] = {}
    for count in counts:
        key = WarningCode(count.code), count.column
        sums[key] = sums.get(key, 0) + count.rows
    return _sorted(sums)


def _sorted(counts: Mapping[_Key, int]) -> tuple[WarningCount, ...]:
    return tuple(
        WarningCount(code=code.value, column=column, rows=rows)
        for (code, column), rows in sorted(counts.items())
        if rows
    )
