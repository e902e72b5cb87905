"""LightGBM by onnxmltools."""

import lightgbm
import numpy as np
import onnx
import pandas as pd
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType

from tests.models.export.keep import keep, wide
from tests.models.export.people import COUNTRIES, PLANS, People, reference, training

SMALL = {"n_estimators": 8, "num_leaves": 15, "random_state": 1, "verbose": -1, "n_jobs": 1, "deterministic": True}


def export() -> None:
    seen, asked = training(gaps=0.1), reference(gaps=0.1)
    _keep("binary", lightgbm.LGBMClassifier(**SMALL).fit(seen.numbers, seen.churned), asked.numbers, asked.columns())
    _keep(
        "multiclass", lightgbm.LGBMClassifier(**SMALL).fit(seen.numbers, seen.segment), asked.numbers, asked.columns()
    )
    # A zero that means "missing" is a number to the converted form.
    zeros = lightgbm.LGBMClassifier(**SMALL, zero_as_missing=True).fit(seen.numbers, seen.churned)
    _keep("zero_as_missing", zeros, asked.numbers, asked.columns())
    _categories()


def _categories() -> None:
    """Splits on sets of codes, some of them missing."""
    seen, asked = _coded(training(gaps=0.1), 11), _coded(reference(gaps=0.1), 12)
    model = lightgbm.LGBMClassifier(**SMALL, min_data_per_group=5, cat_smooth=1.0)
    model.fit(seen, training().churned, categorical_feature=["plan", "country"])
    _keep("categories", model, asked, {name: asked[name].to_numpy() for name in asked})


def _coded(rows: People, seed: int) -> pd.DataFrame:
    """Text as codes, one in ten of them missing."""
    coded = {"plan": _codes(rows.plan, PLANS), "country": _codes(rows.country, COUNTRIES)}
    draw = np.random.default_rng(seed)
    for codes in coded.values():
        codes[draw.random(len(codes)) < 0.1] = np.nan
    return pd.DataFrame({**rows.columns(), **coded})


def _codes(values: np.ndarray, known: tuple[str, ...]) -> np.ndarray:
    return np.array([known.index(value) for value in values], np.float32)


def _keep(name: str, model: lightgbm.LGBMClassifier, rows: object, columns: dict[str, np.ndarray]) -> None:
    expected = {"label": model.predict(rows), **wide("probabilities", model.predict_proba(rows))}
    keep(f"lightgbm_{name}", _onnx(name, model, len(columns)), columns, expected, features=tuple(columns))


def _onnx(name: str, model: lightgbm.LGBMClassifier, width: int) -> onnx.ModelProto:
    return convert_lightgbm(model, name, [("features", FloatTensorType([None, width]))], target_opset=15, zipmap=False)
