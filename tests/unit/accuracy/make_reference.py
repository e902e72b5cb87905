"""Writes reference.json: small tables and what scikit-learn says of them. Needs the extra `dev`; run it by hand."""

import json
import warnings
from pathlib import Path

import numpy as np
from sklearn import metrics as m

RNG = np.random.default_rng(20)


def binary(rows: int, spread: float, digits: int, dtype: str) -> dict:
    logits = RNG.normal(-1, spread, rows)
    truth = (RNG.random(rows) < 1 / (1 + np.exp(-logits))).astype(int)
    scores = np.round(1 / (1 + np.exp(-logits - RNG.normal(0, 1, rows))), digits).astype(dtype)
    predicted = (scores >= 0.5).astype(int)
    epsilon = np.finfo(dtype).eps
    clipped = np.clip(scores, epsilon, 1 - epsilon).astype(np.float64)
    return {
        "dtype": dtype,
        "truth": truth.tolist(),
        "scores": scores.astype(np.float64).tolist(),
        "figures": {
            "accuracy": m.accuracy_score(truth, predicted),
            "precision": m.precision_score(truth, predicted),
            "recall": m.recall_score(truth, predicted),
            "f1": m.f1_score(truth, predicted),
            "roc_auc": m.roc_auc_score(truth, scores),
            "log_loss": m.log_loss(truth, clipped),
            "brier": m.brier_score_loss(truth, scores.astype(np.float64)),
        },
    }


def multiclass(rows: int, classes: int) -> dict:
    table = np.round(RNG.dirichlet(np.ones(classes), rows), 2)
    table[:, -1] = 1 - table[:, :-1].sum(axis=1)
    table = np.clip(table, 0, 1)
    truth = np.array([RNG.choice(classes, p=row / row.sum()) for row in table])
    predicted = table.argmax(axis=1)
    labels = list(range(classes))
    return {
        "truth": truth.tolist(),
        "table": table.tolist(),
        "figures": {
            "accuracy": m.accuracy_score(truth, predicted),
            "macro_f1": m.f1_score(truth, predicted, average="macro"),
            "log_loss": m.log_loss(truth, table, labels=labels),
            "top3_accuracy": m.top_k_accuracy_score(truth, table, k=3, labels=labels),
        },
        "confusion": m.confusion_matrix(truth, predicted, labels=labels).tolist(),
    }


def regression(rows: int, mean: float) -> dict:
    truth = RNG.normal(mean, 2, rows)
    value = truth + RNG.normal(0.1, 1, rows)
    return {
        "truth": truth.tolist(),
        "value": value.tolist(),
        "figures": {
            "mae": m.mean_absolute_error(truth, value),
            "rmse": m.root_mean_squared_error(truth, value),
            "r2": m.r2_score(truth, value),
            "mape": m.mean_absolute_percentage_error(truth, value),
            "bias": float(np.mean(value - truth)),
        },
    }


def two_columns(rows: int, spread: float) -> dict:
    """P of both classes in float32, each rounded by itself: a few are certain, and some of these wrong."""
    logits = RNG.normal(-1, spread, rows)
    truth = (RNG.random(rows) < 1 / (1 + np.exp(-logits / 3))).astype(int)
    table = np.stack([1 / (1 + np.exp(logits)), 1 / (1 + np.exp(-logits))], axis=1).astype(np.float32)
    epsilon = np.finfo(np.float32).eps
    clipped = table.astype(np.float64).clip(epsilon, 1 - epsilon)
    return {"truth": truth.tolist(), "table": table.tolist(), "log_loss": m.log_loss(truth, clipped)}


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # rounded probabilities do not sum to one exactly
    cases = {
        "binary": {
            "smooth": binary(300, 2, 6, "float32"),
            "wide": binary(300, 2, 9, "float64"),
            "few values": binary(300, 2, 1, "float64"),
            "certain and wrong": binary(300, 30, 6, "float32"),
        },
        "multiclass": {"with ties": multiclass(200, 5), "three classes": multiclass(60, 3)},
        "regression": {"near zero": regression(200, 0.0), "far from zero": regression(200, 1e6)},
        "two columns": {"smooth": two_columns(200, 2), "certain and wrong": two_columns(200, 20)},
    }
    Path(__file__).with_name("reference.json").write_text(json.dumps(cases, indent=None) + "\n")
