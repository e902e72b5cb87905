"""CatBoost's own ONNX export."""

import tempfile
from pathlib import Path

import catboost
import onnx

from tests.models.export.keep import keep, wide
from tests.models.export.people import NUMBERS, reference, training

SMALL = {
    "iterations": 10,
    "depth": 4,
    "random_seed": 1,
    "verbose": False,
    "thread_count": 1,
    "allow_writing_files": False,
}


def export() -> None:
    seen, asked = training(gaps=0.1), reference(gaps=0.1)
    for name, truth in (("binary", seen.churned), ("multiclass", seen.segment)):
        model = catboost.CatBoostClassifier(**SMALL).fit(seen.numbers, truth)
        expected = {
            "label": model.predict(asked.numbers).reshape(-1),
            **wide("probabilities", model.predict_proba(asked.numbers)),
        }
        keep(f"catboost_{name}", _onnx(name, model), asked.columns(), expected, features=NUMBERS)
    model = catboost.CatBoostRegressor(**SMALL).fit(seen.numbers, seen.spend)
    expected = {"predictions": model.predict(asked.numbers)}
    keep("catboost_regressor", _onnx("regressor", model), asked.columns(), expected, features=NUMBERS)


def _onnx(name: str, model: catboost.CatBoost) -> onnx.ModelProto:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        model.save_model(str(path), format="onnx", export_parameters={"onnx_graph_name": name})
        return onnx.load(path)
