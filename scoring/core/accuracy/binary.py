"""Two classes: counts at the threshold, losses of the probability, and its ranking."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.core.accuracy.auc import AUC_TOLERANCE, Area, Bins, Floats, Pair, ranked
from scoring.core.accuracy.figure import Value, ratio
from scoring.core.accuracy.labels import Matched, few, no_rows
from scoring.core.accuracy.losses import NO_PROBABILITY, are_probabilities, log_losses
from scoring.core.accuracy.moments import Moments, merged_or_none

_NO_SCORE = "the model gives no probability"
# So few rows are ranked at no cost worth naming: a job of one small chunk has its exact area at once.
_ALWAYS_RANKED = 32_768
# A batch of so few rows is read once more and ranked: a quarter of a second for a figure without a doubt.
_BATCH_RANKED = 1_000_000
METRICS = ("accuracy", "precision", "recall", "f1", "roc_auc", "log_loss", "brier")


@dataclass(frozen=True, kw_only=True)
class BinarySums:
    # Negative, positive.
    classes: tuple[str, ...]
    # Rows by (truth, prediction): negative/negative, negative/positive, positive/negative, positive/positive.
    counts: tuple[int, int, int, int] = (0, 0, 0, 0)
    # Both None where the scores are no probabilities.
    log_loss: Moments | None = None
    brier: Moments | None = None
    # None where the model gives no scores.
    bins: Bins | None = None
    # The area over exactly these rows, where somebody has ranked them; a merge forgets it.
    area: Area | None = None
    strangers: tuple[str, ...] = ()

    @property
    def covered(self) -> int:
        return sum(self.counts)

    def merged(self, other: "BinarySums") -> "BinarySums":
        return BinarySums(
            classes=self.classes,
            counts=_four(np.add(self.counts, other.counts)),
            log_loss=merged_or_none(self.log_loss, other.log_loss),
            brier=merged_or_none(self.brier, other.brier),
            bins=self.bins.merged(other.bins) if self.bins is not None and other.bins is not None else None,
            strangers=few((*self.strangers, *other.strangers)),
        )

    def values(self) -> list[Value]:
        if not self.covered:
            return [Value(metric=m, value=None, reason=no_rows(self.classes, self.strangers)) for m in METRICS]
        return [*self._counted(), self._auc(), *self._losses(), self._matrix()]

    def exact(self, pairs: Iterable[Pair], always_up_to: int = _BATCH_RANKED) -> "BinarySums":
        """The same sums with an area by rank, for few rows, or where that of the bins is too coarse.

        Else `pairs` is not touched.
        """
        tolerance = 0.0 if self.covered <= always_up_to else AUC_TOLERANCE
        if self.bins is None or self.bins.one_sided or (self.area or self.bins.area()).bound <= tolerance:
            return self
        return replace(self, area=ranked(self.bins, pairs))

    def _counted(self) -> list[Value]:
        negatives, false_positives, false_negatives, positives = self.counts
        wrong = false_positives + false_negatives
        return [
            Value(metric="accuracy", value=(negatives + positives) / self.covered),
            ratio("precision", positives, positives + false_positives, reason="no row was predicted positive"),
            ratio("recall", positives, positives + false_negatives, reason="no label is positive"),
            ratio("f1", 2 * positives, 2 * positives + wrong, reason="no row is positive, by label or by prediction"),
        ]

    def _auc(self) -> Value:
        if self.bins is None:
            return Value(metric="roc_auc", value=None, reason=_NO_SCORE)
        if self.bins.one_sided:
            return Value(metric="roc_auc", value=None, reason="all labels are of one class")
        area = self.area or self.bins.area()
        return Value(metric="roc_auc", value=area.value, bound=area.bound)

    def _losses(self) -> list[Value]:
        losses = (("log_loss", self.log_loss), ("brier", self.brier))
        reason = _NO_SCORE if self.bins is None else NO_PROBABILITY
        return [
            Value(metric=name, value=loss.mean if loss else None, reason=None if loss else reason)
            for name, loss in losses
        ]

    def _matrix(self) -> Value:
        detail = {"labels": list(self.classes), "counts": [list(self.counts[:2]), list(self.counts[2:])]}
        return Value(metric="confusion_matrix", value=None, detail=detail)

    def packed(self) -> tuple[dict[str, Any], list[NDArray[np.int64]]]:
        head = {
            "classes": self.classes,
            "counts": self.counts,
            "log_loss": self.log_loss and self.log_loss.packed(),
            "brier": self.brier and self.brier.packed(),
            "area": self.area and [self.area.value, self.area.bound],
            "strangers": self.strangers,
        }
        return head, [] if self.bins is None else [self.bins.keys, self.bins.positive, self.bins.negative]

    @classmethod
    def unpacked(cls, head: dict[str, Any], arrays: list[NDArray[np.int64]]) -> "BinarySums":
        return cls(
            classes=tuple(head["classes"]),
            counts=_four(head["counts"]),
            log_loss=head["log_loss"] and Moments.unpacked(head["log_loss"]),
            brier=head["brier"] and Moments.unpacked(head["brier"]),
            bins=Bins(keys=arrays[0], positive=arrays[1], negative=arrays[2]) if arrays else None,
            area=head["area"] and Area(value=head["area"][0], bound=head["area"][1]),
            strangers=tuple(head["strangers"]),
        )


def measure_binary(
    truth: Matched, predicted: NDArray[np.int64], probability: Floats | None, classes: tuple[str, ...]
) -> BinarySums:
    """Sums of one chunk.

    truth: codes 0 and 1, −1 where not covered; predicted: int64 [n], the same codes.
    probability: float [n] of the positive class or [n, 2] in class order; None where the model gives none.
    """
    known = (truth.codes >= 0) & (predicted >= 0)
    if probability is not None:
        finite = np.isfinite(probability)
        known &= finite if finite.ndim == 1 else finite.all(axis=1)
    labels = truth.codes[known]
    sums = BinarySums(
        classes=classes,
        counts=_four(np.bincount(labels * 2 + predicted[known], minlength=4)),
        strangers=truth.strangers,
    )
    return sums if probability is None else _with_probability(sums, labels, probability[known])


def positive_of(probability: Floats) -> Floats:
    """P(positive), [n], of probabilities that are [n] already or [n, 2]."""
    return probability if probability.ndim == 1 else probability[:, -1]


def _with_probability(sums: BinarySums, labels: NDArray[np.int64], probability: Floats) -> BinarySums:
    scores = positive_of(probability)
    positive = labels == 1
    measured = replace(sums, bins=Bins.of(scores, positive))
    if are_probabilities(probability):
        brier = Moments.of(np.square(scores.astype(np.float64) - positive))
        measured = replace(measured, log_loss=Moments.of(log_losses(labels, probability)), brier=brier)
    return measured.exact([(scores, positive)], _ALWAYS_RANKED)


def _four(counts: Any) -> tuple[int, int, int, int]:
    first, second, third, fourth = (int(count) for count in counts)
    return first, second, third, fourth
