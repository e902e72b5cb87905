"""Where lines and records of a text end."""

from dataclasses import dataclass

import numpy as np

from scoring.data.arrays import Ints


@dataclass(frozen=True, kw_only=True)
class Scan:
    """What was found in text that starts at the start of a record."""

    # One past each line end, inside quotes or not, ascending.
    line_ends: Ints
    # One past each line end that ends a record, ascending.
    record_ends: Ints
    # Structural quotes in turn: opening, closing, opening …
    quotes: Ints
    # Position of an opening quote that has swallowed records: text follows its closing one. None where all is well.
    swallowing: int | None

    def head(self, end: int) -> "Scan":
        """The same of the first `end` bytes, where a record ends."""
        return Scan(
            line_ends=self.line_ends[: np.searchsorted(self.line_ends, end, "right")],
            record_ends=self.record_ends[: np.searchsorted(self.record_ends, end, "right")],
            quotes=self.quotes[: np.searchsorted(self.quotes, end)],
            swallowing=self.swallowing,
        )

    @property
    def open_quote(self) -> int | None:
        """Position of the quote that is still open at the end of the text."""
        return int(self.quotes[-1]) if len(self.quotes) % 2 else None
