"""scikit-learn by skl2onnx."""

import warnings
from typing import Any

import numpy as np
import onnx
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from tests.models.export.keep import keep, wide
from tests.models.export.people import NUMBERS, People, reference, training

# Older than the newest: what is converted today is to load with the oldest runtime that the package allows.
OPSET = {"": 18, "ai.onnx.ml": 3}

# Probabilities as [N, K] instead of a dict per row.
PLAIN = {"zipmap": False}


def export() -> None:
    _strings()
    _classifiers()
    _gaps()
    _numbers_out()
    _text()


def _onnx(
    name: str, model: BaseEstimator, inputs: list[Any] | None = None, options: dict[Any, Any] | None = None
) -> onnx.ModelProto:
    # The name of the graph would be random.
    types = inputs or [("features", FloatTensorType([None, len(NUMBERS)]))]
    return to_onnx(model, initial_types=types, name=name, target_opset=OPSET, options=options)


def _strings() -> None:
    """An input per column, text among them; the same pipeline with a dict per row and without."""
    seen, asked = training(gaps=0.1), reference(gaps=0.1)
    columns = ColumnTransformer(
        [
            ("number", make_pipeline(SimpleImputer(), StandardScaler()), list(range(len(NUMBERS)))),
            ("text", OneHotEncoder(handle_unknown="ignore"), [len(NUMBERS), len(NUMBERS) + 1]),
        ]
    )
    pipeline = Pipeline([("columns", columns), ("model", LogisticRegression(C=0.5, max_iter=2_000))])
    pipeline.fit(_mixed(seen), np.where(seen.churned == 1, "leave", "stay"))
    inputs = [(name, FloatTensorType([None, 1])) for name in NUMBERS]
    inputs += [(name, StringTensorType([None, 1])) for name in ("plan", "country")]
    rows = {**asked.columns(), "plan": asked.plan, "country": asked.country}
    label, probability = pipeline.predict(_mixed(asked)), pipeline.predict_proba(_mixed(asked))
    named = wide("output_probability", probability, pipeline.classes_)
    keep("sklearn_strings_zipmap", _onnx("strings_zipmap", pipeline, inputs), rows, {"output_label": label, **named})
    keep(
        "sklearn_strings",
        _onnx("strings", pipeline, inputs, options=PLAIN),
        rows,
        {"label": label, **wide("probabilities", probability, pipeline.classes_)},
        spec=f"classes: [{', '.join(pipeline.classes_)}]\n",
    )


def _mixed(rows: People) -> Any:
    import pandas as pd

    return pd.DataFrame({**rows.columns(), "plan": rows.plan, "country": rows.country})


def _classifiers() -> None:
    """One matrix of floats without gaps; three classes with numbers for names."""
    _classifier("forest", RandomForestClassifier(n_estimators=12, max_depth=5, random_state=1))
    _classifier("boosting", GradientBoostingClassifier(n_estimators=8, max_depth=3, random_state=1))
    _classifier("knn", make_pipeline(StandardScaler(), KNeighborsClassifier(n_neighbors=5)), rows=300)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # scikit-learn would rather have it calibrated from outside
        _classifier("svc", make_pipeline(StandardScaler(), SVC(probability=True, random_state=1)), rows=300)


def _gaps() -> None:
    """Models that learn what a missing value means."""
    _classifier(
        "hist_boosting", HistGradientBoostingClassifier(max_iter=8, max_leaf_nodes=15, random_state=1), gaps=0.1
    )
    _classifier("tree_gaps", DecisionTreeClassifier(max_depth=6, random_state=1), gaps=0.1)


def _classifier(name: str, model: BaseEstimator, *, rows: int | None = None, gaps: float = 0.0) -> None:
    seen, asked = training(gaps=gaps), reference(gaps=gaps)
    model.fit(seen.numbers[:rows], seen.segment[:rows])
    expected = {
        "label": model.predict(asked.numbers),
        **wide("probabilities", model.predict_proba(asked.numbers)),
    }
    keep(f"sklearn_{name}", _onnx(name, model, options=PLAIN), asked.columns(), expected, features=NUMBERS)


def _numbers_out() -> None:
    seen, asked = training(), reference()
    ridge = make_pipeline(StandardScaler(), Ridge()).fit(seen.numbers, seen.spend)
    keep(
        "sklearn_ridge",
        _onnx("ridge", ridge),
        asked.columns(),
        {"variable": ridge.predict(asked.numbers)},
        features=NUMBERS,
    )
    both = RandomForestRegressor(n_estimators=10, max_depth=5, random_state=1)
    both.fit(seen.numbers, np.column_stack([seen.spend, seen.segment]))
    keep(
        "sklearn_two_targets",
        _onnx("two_targets", both),
        asked.columns(),
        wide("variable", both.predict(asked.numbers)),
        features=NUMBERS,
    )
    means = make_pipeline(StandardScaler(), KMeans(n_clusters=4, n_init=3, random_state=1)).fit(seen.numbers)
    keep(
        "sklearn_kmeans",
        _onnx("kmeans", means),
        asked.columns(),
        {"label": means.predict(asked.numbers), **wide("scores", means.transform(asked.numbers))},
        features=NUMBERS,
    )
    forest = IsolationForest(n_estimators=20, max_samples=64, random_state=1).fit(seen.numbers)
    keep(
        "sklearn_isolation",
        _onnx("isolation", forest),
        asked.columns(),
        {"label": forest.predict(asked.numbers), "scores": forest.decision_function(asked.numbers)},
        features=NUMBERS,
    )


BAD_WORDS = ("broken", "late", "never", "slow", "refund")
WORDS = (*BAD_WORDS, "cheap", "fast", "lovely", "again", "always", "perfect", "box", "screen", "battery", "price")


def _text() -> None:
    """Texts of a few words → good or bad; tokenised inside the model."""
    draw = np.random.default_rng(3)
    texts = np.array([" ".join(draw.choice(WORDS, size)) for size in draw.integers(2, 12, 600)])
    bad = np.array([sum(word in text for word in BAD_WORDS) for text in texts])
    model = make_pipeline(TfidfVectorizer(), LogisticRegression(C=2.0)).fit(texts[:400], (bad[:400] > 1).astype(int))
    asked = texts[400:]
    # The converter's default, en_US, is a locale that bare images and many servers lack: no session opens there.
    options = {"tfidfvectorizer__locale": "C", **PLAIN}
    keep(
        "sklearn_text",
        _onnx("text", model, [("text", StringTensorType([None, 1]))], options),
        {"text": asked},
        {"label": model.predict(asked), **wide("probabilities", model.predict_proba(asked))},
    )
