"""Train the demo's model and write its files again: ``python -m scoring.demo.export`` (needs the extra `dev`)."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from scoring.demo import CASES, KEY, LABEL, MODEL

SEED = 7


def export() -> None:
    """Write CASES and MODEL. The model is trained on one half of the rows; the other half is what the demo scores."""
    data = load_breast_cancer()
    names = [str(name) for name in data.feature_names]
    # Text, and malignant last: the positive class is what a doctor looks for.
    truth = data.target_names[data.target]
    train, held_out = train_test_split(range(len(truth)), test_size=0.5, random_state=SEED, stratify=truth)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1_000))
    pipeline.fit(data.data[train], truth[train])
    rows = sorted(held_out)
    columns = {KEY: pa.array(rows, pa.int64())}
    columns.update({name: pa.array(data.data[rows, i]) for i, name in enumerate(names)})
    columns[LABEL] = pa.array(truth[rows].tolist(), pa.string())
    pq.write_table(pa.table(columns), CASES, compression="zstd")
    MODEL.write_bytes(to_bytes(pipeline, names))


def to_bytes(pipeline: Pipeline, feature_names: list[str]) -> bytes:
    """The pipeline as ONNX: one [N, F] float input whose columns the metadata name, so that it needs no spec."""
    model = to_onnx(pipeline, initial_types=[("features", FloatTensorType([None, len(feature_names)]))])
    entry = model.metadata_props.add()
    entry.key, entry.value = "feature_names", json.dumps(feature_names)
    serialized: bytes = model.SerializeToString()
    return serialized


if __name__ == "__main__":
    export()
