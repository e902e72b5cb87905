"""Area under the ROC curve from sparse bins, with a computed bound; exact where the bound is too wide.

The bins are relative: the upper 16 bits of a float32 of the distance to 0 (scores up to 0.5) or to 1 (above). Rare
events crowd at both ends, where bins of equal width would lump them together.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.core.errors import AccountingBroken

AUC_TOLERANCE = 0.001
# Above every key of a score up to 0.5 (0x3F00) counted down from here, so that keys rise with the score.
_MIRROR = 2 * 0x3F00 + 1
_MERGE_ROWS = 1 << 20

Floats = NDArray[np.floating[Any]]
Pair = tuple[Floats, NDArray[np.bool_]]
Ranks = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True, kw_only=True)
class Area:
    value: float
    # |value − true value| is at most this.
    bound: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Bins:
    """How many positive and negative rows have a score in each bin; bins in order of rising score."""

    # int64 [b], strictly rising.
    keys: NDArray[np.int64]
    # int64 [b] each.
    positive: NDArray[np.int64]
    negative: NDArray[np.int64]

    @classmethod
    def of(cls, scores: Floats, positive: NDArray[np.bool_]) -> "Bins":
        """scores: float32 or float64 [n], finite; positive: bool [n]."""
        keys = _keys(scores)
        lowest = int(keys.min()) if len(keys) else 0
        counts = np.bincount((keys - lowest) * 2 + positive).astype(np.int64)
        table = np.concatenate([counts, np.zeros(len(counts) % 2, np.int64)]).reshape(-1, 2)
        used = np.flatnonzero(table.any(axis=1))
        return cls(keys=used + lowest, positive=table[used, 1], negative=table[used, 0])

    def merged(self, other: "Bins") -> "Bins":
        keys, inverse = np.unique(np.concatenate([self.keys, other.keys]), return_inverse=True)
        return Bins(
            keys=keys,
            positive=_added(inverse, self.positive, other.positive, len(keys)),
            negative=_added(inverse, self.negative, other.negative, len(keys)),
        )

    @property
    def one_sided(self) -> bool:
        return not self.positive.sum() or not self.negative.sum()

    def area(self) -> Area:
        """A bin's own pairs count one half, so the error is at most half of the pairs inside bins."""
        return _area(self.positive, self.negative)


def ranked(bins: Bins, pairs: Iterable[Pair]) -> Area:
    """The exact area: scores in bins that hold both classes are ranked one by one.

    pairs: all rows that made the bins, in batches of (scores [n], positive [n]); memory is that of the distinct scores
    in such bins. AccountingBroken where the rows are not those of the bins.
    """
    contested = bins.keys[(bins.positive > 0) & (bins.negative > 0)]
    inside = np.isin(bins.keys, contested)
    scores, positive, negative = _distinct(contested, pairs)
    if (positive.sum(), negative.sum()) != (bins.positive[inside].sum(), bins.negative[inside].sum()):
        raise AccountingBroken(
            "the rows read again for roc_auc are not those that were measured",
            expected=f"{bins.positive[inside].sum()} positive and {bins.negative[inside].sum()} negative rows",
            got=f"{positive.sum()} and {negative.sum()}",
            remedy="the part files were changed after they were written; score the job again",
        )
    keys = np.concatenate([bins.keys[~inside], _keys(scores)])
    # Within a bin by score; a bin that is left whole has one entry, so its 0 is never compared.
    order = np.lexsort((np.concatenate([np.zeros((~inside).sum()), scores]), keys))
    return _area(
        np.concatenate([bins.positive[~inside], positive])[order],
        np.concatenate([bins.negative[~inside], negative])[order],
        exact=True,
    )


def _keys(scores: Floats) -> NDArray[np.int64]:
    wide = scores.astype(np.float64)
    upper = wide > 0.5
    # + 0.0 makes 0 of −0, which would fall into a bin of its own.
    distance = (np.where(upper, 1.0 - wide, wide) + 0.0).astype(np.float32)
    bits = distance.view(np.int32)
    # Integers in the order of the floats: scores below 0 and above 1 keep their rank.
    ordered = np.where(bits < 0, bits ^ 0x7FFFFFFF, bits).astype(np.int64) >> 16
    return np.where(upper, _MIRROR - ordered, ordered)


def _added(inverse: NDArray[np.intp], first: NDArray[np.int64], second: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    total = np.zeros(n, np.int64)
    np.add.at(total, inverse, np.concatenate([first, second]))
    return total


def _area(positive: NDArray[np.int64], negative: NDArray[np.int64], *, exact: bool = False) -> Area:
    below = np.cumsum(negative) - negative
    # float64 and not int64: 10^10 × 10^10 pairs do not fit.
    pairs = float(positive.sum()) * float(negative.sum())
    within = float(np.sum(positive.astype(np.float64) * negative)) / 2
    won = float(np.sum(positive.astype(np.float64) * below)) + within
    return Area(value=won / pairs, bound=0.0 if exact else within / pairs)


def _distinct(contested: NDArray[np.int64], pairs: Iterable[Pair]) -> Ranks:
    """Distinct scores in the contested bins, rising, with their positive and negative rows (int64)."""
    scores = np.empty(0, np.float64)
    counts = np.empty((0, 2), np.int64)
    waiting: list[Pair] = []
    rows = 0
    for batch, positive in pairs:
        mask = np.isin(_keys(batch), contested)
        waiting.append((batch[mask].astype(np.float64), positive[mask]))
        rows += int(mask.sum())
        if rows >= max(_MERGE_ROWS, len(scores)):
            scores, counts = _fold(scores, counts, waiting)
            waiting, rows = [], 0
    scores, counts = _fold(scores, counts, waiting)
    return scores, counts[:, 1], counts[:, 0]


def _fold(
    scores: NDArray[np.float64], counts: NDArray[np.int64], waiting: list[Pair]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    distinct, inverse = np.unique(np.concatenate([scores, *(batch for batch, _ in waiting)]), return_inverse=True)
    total = np.zeros((len(distinct), 2), np.int64)
    np.add.at(total, inverse[: len(scores)], counts)
    sides = np.concatenate([np.empty(0, np.bool_), *(positive for _, positive in waiting)]).astype(np.int64)
    np.add.at(total, (inverse[len(scores) :], sides), 1)
    return distinct, total
