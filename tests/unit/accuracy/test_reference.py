"""Figures over chunks against scikit-learn's over all rows (reference.json, made by make_reference.py)."""

import json
from functools import reduce
from pathlib import Path

import numpy as np
import pytest

from scoring.core.accuracy.labels import Labels
from scoring.core.accuracy.measure import Observed, measure
from scoring.core.accuracy.sums import Sums, exact_auc, figures, from_bytes, merge, to_bytes
from scoring.core.binding import Prediction, Task

REFERENCE = json.loads(Path(__file__).with_name("reference.json").read_text())
CHUNKS = (1, 2, 7)
# As P(positive); and per class, where 1 − P in the table's own type is the table that scikit-learn was given.
BINARY_CASES = [
    (name, columns)
    for name, case in REFERENCE["binary"].items()
    for columns in ((1,) if case["dtype"] == "float32" else (1, 2))
]


def over_chunks(prediction: Prediction, rows: int, chunks: int, observe) -> Sums:
    """Measured per chunk, stored as bytes, merged in chunk order: as a job does it."""
    parts = np.array_split(np.arange(rows), chunks)
    return reduce(merge, (from_bytes(to_bytes(measure(prediction, 0.5, observe(part)))) for part in parts))


def values(sums: Sums, rows: int) -> dict:
    return {figure.metric: figure.value for figure in figures(sums, rows) if figure.detail is None}


@pytest.mark.parametrize("chunks", CHUNKS)
@pytest.mark.parametrize(("name", "columns"), BINARY_CASES)
def test_binary_figures_are_those_of_scikit_learn(name, columns, chunks):
    """Every metric within 1e-9 relative, roc_auc too once the rows are ranked."""
    case = REFERENCE["binary"][name]
    truth, scores = np.array(case["truth"]), np.array(case["scores"], case["dtype"])
    probability = scores if columns == 1 else np.stack([1 - scores, scores], axis=1)
    sums = over_chunks(
        Prediction(task=Task.BINARY, probability_output="p", classes=("0", "1")),
        len(truth),
        chunks,
        lambda part: Observed(labels=Labels(codes=truth[part], names=("0", "1")), probability=probability[part]),
    )
    ranked = exact_auc(sums, ((scores[part], truth[part] == 1) for part in np.array_split(np.arange(len(truth)), 3)))
    assert case["figures"] == pytest.approx(values(ranked, len(truth)), rel=1e-9)


@pytest.mark.parametrize("chunks", CHUNKS)
@pytest.mark.parametrize("name", REFERENCE["two columns"])
def test_log_loss_of_two_columns_is_that_of_scikit_learn(name, chunks):
    """Each row costs −ln of the model's own P(true class), in 64 bits and clipped at the epsilon of float32."""
    case = REFERENCE["two columns"][name]
    truth, table = np.array(case["truth"]), np.array(case["table"], np.float32)
    sums = over_chunks(
        Prediction(task=Task.BINARY, probability_output="p", classes=("0", "1")),
        len(truth),
        chunks,
        lambda part: Observed(labels=Labels(codes=truth[part], names=("0", "1")), probability=table[part]),
    )
    assert case["log_loss"] == pytest.approx(values(sums, len(truth))["log_loss"], rel=1e-9)


@pytest.mark.parametrize("chunks", CHUNKS)
@pytest.mark.parametrize("name", REFERENCE["multiclass"])
def test_multiclass_figures_are_those_of_scikit_learn(name, chunks):
    """Every metric within 1e-9 relative, ties among the first three included; the confusion matrix to the row."""
    case = REFERENCE["multiclass"][name]
    truth, table = np.array(case["truth"]), np.array(case["table"])
    names = tuple(str(code) for code in range(table.shape[1]))
    sums = over_chunks(
        Prediction(task=Task.MULTICLASS, probability_output="p", classes=names),
        len(truth),
        chunks,
        lambda part: Observed(labels=Labels(codes=truth[part], names=names), probability=table[part]),
    )
    assert case["figures"] == pytest.approx(values(sums, len(truth)), rel=1e-9)
    assert case["confusion"] == figures(sums, len(truth))[-1].detail["counts"]


@pytest.mark.parametrize("chunks", CHUNKS)
@pytest.mark.parametrize("name", REFERENCE["regression"])
def test_regression_figures_are_those_of_scikit_learn(name, chunks):
    """Every metric within 1e-9 relative, also where the mean dwarfs the spread."""
    case = REFERENCE["regression"][name]
    truth, value = np.array(case["truth"]), np.array(case["value"])
    sums = over_chunks(
        Prediction(task=Task.REGRESSION, label_output="y"),
        len(truth),
        chunks,
        lambda part: Observed(truth=truth[part], value=value[part]),
    )
    assert case["figures"] == pytest.approx(values(sums, len(truth)), rel=1e-9)
