"""Many classes: who was taken for whom, log-loss, and the truth among the first three."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.core.accuracy.auc import Floats
from scoring.core.accuracy.figure import Value
from scoring.core.accuracy.labels import Labels, canonical, few, match, no_rows
from scoring.core.accuracy.losses import NO_PROBABILITY, are_probabilities, log_losses
from scoring.core.accuracy.moments import Moments, merged_or_none

_NO_PROBABILITIES = "the model gives no probabilities"
METRICS = ("accuracy", "macro_f1", "log_loss", "top3_accuracy")
_TOP = 3


@dataclass(frozen=True, kw_only=True)
class MulticlassSums:
    # Empty where the model does not tell its classes: then every label is taken for one.
    classes: tuple[str, ...]
    # Rows by (true class, predicted class); pairs that did not occur are left out.
    counts: Mapping[tuple[str, str], int] = field(default_factory=dict)
    # None where the scores are no probabilities.
    log_loss: Moments | None = None
    # Rows whose true class is among the three with the highest scores; None where the model gives no scores.
    top3: int | None = None
    strangers: tuple[str, ...] = ()

    @property
    def covered(self) -> int:
        return sum(self.counts.values())

    def merged(self, other: "MulticlassSums") -> "MulticlassSums":
        counts = dict(self.counts)
        for pair, rows in other.counts.items():
            counts[pair] = counts.get(pair, 0) + rows
        return MulticlassSums(
            classes=self.classes,
            counts=counts,
            log_loss=merged_or_none(self.log_loss, other.log_loss),
            top3=self.top3 + other.top3 if self.top3 is not None and other.top3 is not None else None,
            strangers=few((*self.strangers, *other.strangers)),
        )

    def values(self) -> list[Value]:
        if not self.covered:
            return [Value(metric=m, value=None, reason=no_rows(self.classes, self.strangers)) for m in METRICS]
        right = sum(rows for (truth, predicted), rows in self.counts.items() if truth == predicted)
        return [
            Value(metric="accuracy", value=right / self.covered),
            Value(metric="macro_f1", value=self._macro_f1()),
            *self._of_probabilities(),
            self._matrix(),
        ]

    def _macro_f1(self) -> float:
        """Mean F1 over the classes seen in labels or predictions: for each of them the denominator is above 0."""
        seen: dict[str, list[int]] = {}
        for (truth, predicted), rows in self.counts.items():
            seen.setdefault(truth, [0, 0])[1] += rows
            seen.setdefault(predicted, [0, 0])[1] += rows
            seen[truth][0] += 2 * rows if truth == predicted else 0
        return sum(twice / both for twice, both in seen.values()) / len(seen)

    def _of_probabilities(self) -> list[Value]:
        if self.top3 is None:
            return [Value(metric=m, value=None, reason=_NO_PROBABILITIES) for m in METRICS[2:]]
        loss = self.log_loss.mean if self.log_loss else None
        return [
            Value(metric="log_loss", value=loss, reason=None if self.log_loss else NO_PROBABILITY),
            Value(metric="top3_accuracy", value=self.top3 / self.covered),
        ]

    def _matrix(self) -> Value:
        seen = {name for pair in self.counts for name in pair}
        labels = [*self.classes, *sorted(seen - set(self.classes))]
        counts = [[self.counts.get((truth, predicted), 0) for predicted in labels] for truth in labels]
        return Value(metric="confusion_matrix", value=None, detail={"labels": labels, "counts": counts})

    def packed(self) -> tuple[dict[str, Any], list[NDArray[np.int64]]]:
        head = {
            "classes": self.classes,
            "counts": [[*pair, rows] for pair, rows in self.counts.items()],
            "log_loss": self.log_loss and self.log_loss.packed(),
            "top3": self.top3,
            "strangers": self.strangers,
        }
        return head, []

    @classmethod
    def unpacked(cls, head: dict[str, Any], _: list[NDArray[np.int64]]) -> "MulticlassSums":
        return cls(
            classes=tuple(head["classes"]),
            counts={(truth, predicted): rows for truth, predicted, rows in head["counts"]},
            log_loss=head["log_loss"] and Moments.unpacked(head["log_loss"]),
            top3=head["top3"],
            strangers=tuple(head["strangers"]),
        )


def measure_multiclass(
    labels: Labels, predicted: Labels, probability: Floats | None, classes: tuple[str, ...]
) -> MulticlassSums:
    """Sums of one chunk. probability: float [n, K] in class order, or None."""
    names = tuple(canonical(name) for name in classes)
    # Without classes of the model every label and every prediction is one; a prediction outside them stays itself.
    seen = dict.fromkeys((*names, *(canonical(name) for name in predicted.names)))
    if not names:
        seen.update(dict.fromkeys(name for name in map(canonical, labels.names) if name))
    universe = tuple(seen)
    truth, guess = match(labels, names or universe), match(predicted, universe)
    known = (truth.codes >= 0) & (guess.codes >= 0)
    if probability is not None:
        known &= np.isfinite(probability).all(axis=1)
    codes = truth.codes[known]
    return MulticlassSums(
        classes=names,
        counts=_pairs(codes, guess.codes[known], universe),
        strangers=truth.strangers,
        **({} if probability is None else _ranks(codes, probability[known])),
    )


def _pairs(
    truth: NDArray[np.int64], predicted: NDArray[np.int64], names: tuple[str, ...]
) -> dict[tuple[str, str], int]:
    pairs, rows = np.unique(truth * len(names) + predicted, return_counts=True)
    return {
        (names[pair // len(names)], names[pair % len(names)]): count
        for pair, count in zip(pairs.tolist(), rows.tolist(), strict=True)
    }


def _ranks(labels: NDArray[np.int64], probability: Floats) -> dict[str, Any]:
    """Ties go to the later class, as in scikit-learn's top_k_accuracy_score."""
    mine: Floats = np.take_along_axis(probability, labels[:, None], axis=1)
    later = np.arange(probability.shape[1])[None, :] > labels[:, None]
    before = ((probability > mine) | ((probability == mine) & later)).sum(axis=1)
    loss = Moments.of(log_losses(labels, probability)) if are_probabilities(probability) else None
    return {"log_loss": loss, "top3": int((before < _TOP).sum())}
