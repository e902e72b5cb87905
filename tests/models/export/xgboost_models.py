"""XGBoost by onnxmltools."""

import onnx
import xgboost
from onnxmltools import convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType

from tests.models.export.keep import keep, wide
from tests.models.export.people import NUMBERS, reference, training

SMALL = {"n_estimators": 8, "max_depth": 4, "random_state": 1, "n_jobs": 1}


def export() -> None:
    seen, asked = training(gaps=0.1), reference(gaps=0.1)
    for name, truth in (("binary", seen.churned), ("multiclass", seen.segment)):
        model = xgboost.XGBClassifier(**SMALL).fit(seen.numbers, truth)
        expected = {
            "label": model.predict(asked.numbers),
            **wide("probabilities", model.predict_proba(asked.numbers)),
        }
        keep(f"xgboost_{name}", _onnx(name, model), asked.columns(), expected, features=NUMBERS)
    model = xgboost.XGBRegressor(**SMALL).fit(seen.numbers, seen.spend)
    expected = {"variable": model.predict(asked.numbers)}
    keep("xgboost_regressor", _onnx("regressor", model), asked.columns(), expected, features=NUMBERS)


def _onnx(name: str, model: xgboost.XGBModel) -> onnx.ModelProto:
    converted = convert_xgboost(model, name, [("features", FloatTensorType([None, len(NUMBERS)]))], target_opset=15)
    # The name of the graph is random whatever is asked for.
    converted.graph.name = name
    return converted
