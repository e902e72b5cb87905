"""Accuracy of a chunk: from its labels and outputs to sums that merge, and from part files back to ranks."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from scoring.core.accuracy.auc import Pair
from scoring.core.accuracy.binary import positive_of
from scoring.core.accuracy.figure import Figure
from scoring.core.accuracy.labels import match
from scoring.core.accuracy.measure import Observed, measure
from scoring.core.accuracy.sums import Sums, figures, from_bytes
from scoring.core.binding import Binding, OutputBinding, Prediction, Task
from scoring.core.options import JobOptions
from scoring.model.columns import outputs_of
from scoring.model.truth import labels_of, numbers_of, predicted_labels


def measure_chunk(
    batch: pa.RecordBatch, outputs: dict[str, NDArray[Any]], binding: Binding, options: JobOptions
) -> Sums | None:
    """Sums over the rows of one chunk; None where the job has no label.

    batch: the clean rows with the label's slot; outputs: as Model.predict gives, of the same rows.
    """
    prediction = binding.prediction
    if binding.label_slot is None or prediction is None:
        return None
    return measure(prediction, options.threshold, _observed(prediction, batch.column(binding.label_slot), outputs))


def chunk_metrics(sums: bytes | None, rows_scored: int) -> tuple[Figure, ...]:
    """Figures of one chunk for the ledger: the metrics of CONTRACT section 7, without the confusion matrix."""
    if sums is None:
        return ()
    return tuple(figure for figure in figures(from_bytes(sums), rows_scored) if figure.detail is None)


def pair_columns(binding: Binding) -> tuple[str, ...]:
    """Columns of a part file that `labelled_pairs` wants; empty where the job has nothing to rank."""
    bound = _ranked_output(binding, binding.prediction)
    label = label_column(binding)
    return () if bound is None or label is None else (label, *bound.columns)


def labelled_pairs(batch: pa.RecordBatch, binding: Binding) -> Pair:
    """(P(positive) [n], label is positive [n]) of the covered rows of a piece of a part file, for exact_auc."""
    return late_pairs(batch, batch.column(label_column(binding)), binding, binding.prediction)


def label_column(binding: Binding) -> str | None:
    """Column of a part file with the labels of the input; None where the job has none."""
    return next((name for name, slot in binding.carried if slot == binding.label_slot), None)


def prediction_columns(binding: Binding, prediction: Prediction) -> tuple[str, ...]:
    """Columns of a part file that `measure_late` and `late_pairs` want."""
    return tuple(name for bound in _predicting(binding, prediction) for name in bound.columns)


def measure_late(
    batch: pa.RecordBatch, labels: pa.Array, binding: Binding, prediction: Prediction, threshold: float
) -> Sums:
    """Sums over a part by labels that came later, as `measure_chunk` would have had them at scoring time.

    batch: `prediction_columns` of the part; labels: of the same rows, as `label_texts` gives.
    """
    outputs = outputs_of(batch, _predicting(binding, prediction))
    return measure(prediction, threshold, _observed(prediction, labels, outputs))


def late_pairs(batch: pa.RecordBatch, labels: pa.Array, binding: Binding, prediction: Prediction | None) -> Pair:
    """As `labelled_pairs`, by labels that stand beside the batch."""
    bound = _ranked_output(binding, prediction)
    if bound is None or prediction is None:
        raise ValueError("a binary prediction with scores is ranked, no other")
    scores = outputs_of(batch, [bound])[bound.output]
    truth = match(labels_of(labels, prediction.classes), prediction.classes).codes
    finite = np.isfinite(scores)
    covered = (truth >= 0) & (finite if finite.ndim == 1 else finite.all(axis=1))
    return positive_of(scores)[covered], truth[covered] == 1


def _predicting(binding: Binding, prediction: Prediction) -> list[OutputBinding]:
    names = (prediction.label_output, prediction.probability_output)
    return [bound for bound in binding.outputs if bound.output in names]


def _observed(prediction: Prediction, label: pa.Array, outputs: dict[str, NDArray[Any]]) -> Observed:
    said = outputs[prediction.label_output] if prediction.label_output else None
    if prediction.task is Task.REGRESSION:
        return Observed(truth=numbers_of(label), value=said)
    probability = outputs[prediction.probability_output] if prediction.probability_output else None
    # A binary prediction is P ≥ threshold wherever there is a P: the label output is not looked at.
    needed = said is not None and (probability is None or prediction.task is Task.MULTICLASS)
    return Observed(
        labels=labels_of(label, prediction.classes),
        predicted=predicted_labels(said) if said is not None and needed else None,
        probability=probability,
    )


def _ranked_output(binding: Binding, prediction: Prediction | None) -> OutputBinding | None:
    if prediction is None or prediction.task is not Task.BINARY:
        return None
    return next((bound for bound in binding.outputs if bound.output == prediction.probability_output), None)
