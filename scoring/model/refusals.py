"""Rows that a session refuses: found by halving, so that the rows beside them keep their scores."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.core.errors import ModelRefusedRows

EXTRA_RUNS = 64
"""Runs of a chunk beyond its micro-batches: one bad row among 1024 takes twelve at most."""

Run = Callable[[int, int], str | None]
"""Runs the rows [first, stop) and keeps their outputs; the model's words, and no outputs, where it refuses them."""


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A row that the model refuses whatever stands beside it."""

    # Row of the batch that was scored.
    row: int
    # The model's own words.
    reason: str


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a chunk is sifted by."""

    # [n] position of each of its rows in the job's input, for messages.
    rows: NDArray[np.int64]
    # True: a micro-batch that is refused in every row says that the model is at fault, not the rows.
    first_chunk: bool = False
    # The model's words may be told, which show values of a row.
    raw: bool = True


class Sieve:
    """The refused rows of one chunk, and what is left of its extra runs."""

    def __init__(self, run: Run, terms: Terms) -> None:
        self._run = run
        self._terms = terms
        self._runs = 0
        self.refused: list[Refused] = []

    def sift(self, first: int, stop: int, words: str) -> None:
        """Score all rows of the micro-batch [first, stop), refused with `words`, but the bad ones, which are noted.

        The first bad row is found by halving, then the rows behind it are run at once, and so on. Raises
        ModelRefusedRows where the extra runs are spent.
        """
        known, start = len(self.refused), first
        said: str | None = words
        while said is not None:
            bad = self._first_bad(start, stop, said)
            self.refused.append(bad)
            start = bad.row + 1
            said = self._again(start, stop, words) if start < stop else None
        if stop - first > 1:
            self._require_one(first, stop, known)

    def finish(self, rows: int) -> None:
        """All `rows` of the chunk are done. Raises ModelRefusedRows where it is the first one and none is left."""
        self._require_one(0, rows, 0)

    def _require_one(self, first: int, stop: int, known: int) -> None:
        refused = self.refused[known:]
        if self._terms.first_chunk and refused and len(refused) == stop - first:
            raise self._refusal(first, stop, refused[0].reason)

    def _first_bad(self, low: int, high: int, words: str) -> Refused:
        """Of the rows [low, high), which were refused together. Those before it are scored."""
        alone: str | None = words
        while high - low > 1:
            middle = (low + high) // 2
            alone = self._again(low, middle, words)
            low, high = (middle, high) if alone is None else (low, middle)
        # Refused with others, it may be taken alone: then the model does not look at each row for itself.
        alone = alone or self._again(low, high, words)
        if alone is None:
            raise self._refusal(low, high, words)
        return Refused(row=low, reason=alone)

    def _again(self, first: int, stop: int, words: str) -> str | None:
        if self._runs == EXTRA_RUNS:
            raise self._refusal(first, stop, words)
        self._runs += 1
        return self._run(first, stop)

    def _refusal(self, first: int, stop: int, words: str) -> ModelRefusedRows:
        return rows_refused(f"rows {self._terms.rows[first]} to {self._terms.rows[stop - 1]} of the input", words)


def rows_refused(rows: str, words: str) -> ModelRefusedRows:
    return ModelRefusedRows(
        f"the model refused {rows}",
        expected="values that the model can compute with",
        got=words,
        remedy="look at these rows, and reject or clean them before scoring",
    )
