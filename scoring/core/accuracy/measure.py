"""From the outputs of a model and the labels of a chunk to its sums."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from scoring.core.accuracy.auc import Floats
from scoring.core.accuracy.binary import measure_binary, positive_of
from scoring.core.accuracy.labels import Labels, match
from scoring.core.accuracy.multiclass import measure_multiclass
from scoring.core.accuracy.regression import measure_regression
from scoring.core.accuracy.sums import Sums
from scoring.core.binding import Prediction, Task
from scoring.core.errors import BadOutput

Given = TypeVar("Given")


@dataclass(frozen=True, kw_only=True)
class Observed:
    """What the model said of the rows and what was true; the fields that the task does not need are None."""

    # Classification: the labels.
    labels: Labels | None = None
    # Classification without probabilities, and multiclass: the predicted labels.
    predicted: Labels | None = None
    # Classification: float [n] of the positive class, or [n, K] in class order.
    probability: Floats | None = None
    # Regression: float64 [n], NaN where there is no label.
    truth: NDArray[np.float64] | None = None
    # Regression: float [n].
    value: Floats | None = None


def measure(prediction: Prediction, threshold: float, observed: Observed) -> Sums:
    """Sums of one chunk. threshold: predicted = P(positive) ≥ threshold, for binary tasks with a probability."""
    if prediction.task is Task.REGRESSION:
        return measure_regression(_given(observed.truth), _given(observed.value))
    labels = _given(observed.labels)
    if prediction.task is Task.MULTICLASS:
        predicted = observed.predicted or _most_probable(_given(observed.probability), prediction.classes)
        return measure_multiclass(labels, predicted, observed.probability, prediction.classes)
    truth = match(labels, prediction.classes)
    if observed.probability is None:
        codes = match(_given(observed.predicted), prediction.classes).codes
    else:
        codes = (positive_of(observed.probability) >= threshold).astype(np.int64)
    return measure_binary(truth, codes, observed.probability, prediction.classes)


def _most_probable(probability: Floats, classes: tuple[str, ...]) -> Labels:
    return Labels(codes=np.argmax(probability, axis=1).astype(np.int64), names=classes)


def _given(value: Given | None) -> Given:
    if value is None:
        raise BadOutput("accuracy needs an output that the model did not give", remedy="name the task with --task")
    return value
