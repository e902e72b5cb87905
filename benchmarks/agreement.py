"""Do our scores equal the model's own? Train on real files, score them, compare row by row and figure by figure.

    python benchmarks/agreement.py CENSUS_TRAIN.csv CENSUS_TEST.csv [--rows 200000]

The files are UCI Adult census income with a header line. Needs the `dev` extra. Two models are trained: a scikit-learn
pipeline with text columns (14 named inputs) and LightGBM on the numbers (one matrix input). Each is scored from CSV and
from Parquet with `scoring run`; the scores must equal a direct `session.run` bit for bit, every `_row` must come once,
and the accuracy must equal scikit-learn's.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import onnxruntime as ort
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType as LightGbmFloat
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn import metrics
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

NUMBERS = ["age", "fnlwgt", "education_num", "capital_gain", "capital_loss", "hours_per_week"]
TEXTS = ["workclass", "education", "marital_status", "occupation", "relationship", "race", "sex", "native_country"]
LABEL = "income"
CLASSES = ("<=50K", ">50K")


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("train", type=Path)
    arguments.add_argument("test", type=Path)
    arguments.add_argument("--rows", type=int, default=200_000)
    given = arguments.parse_args()
    train, test = read(given.train), read(given.test)
    rows = test.sample(given.rows, replace=True, random_state=7).reset_index(drop=True)
    rows.insert(0, "key", np.arange(len(rows)).astype(str))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        rows.to_csv(home / "rows.csv", index=False)
        table = pa.Table.from_pandas(rows, preserve_index=False)
        pq.write_table(table, home / "rows.parquet", row_group_size=50_000)
        models = {
            "sklearn": (sklearn_model(train, home), texts_feed),
            "lightgbm": (lightgbm_model(train, home), matrix_feed),
        }
        return max(
            check(name, model, feed(rows), rows, home / f"rows.{form}", home)
            for name, (model, feed) in models.items()
            for form in ("csv", "parquet")
        )


def read(path: Path) -> pd.DataFrame:
    """The census as it is, but for the full stop after the labels of the test file: texts keep their leading blank."""
    frame = pd.read_csv(path, keep_default_na=False, dtype=dict.fromkeys(TEXTS, str) | {LABEL: str})
    frame[LABEL] = frame[LABEL].str.strip().str.rstrip(".")
    return frame[frame["age"].notna()]


def sklearn_model(train: pd.DataFrame, home: Path) -> Path:
    columns = ColumnTransformer(
        [("n", StandardScaler(), NUMBERS), ("t", OneHotEncoder(handle_unknown="ignore"), TEXTS)]
    )
    pipeline = make_pipeline(columns, LogisticRegression(max_iter=500))
    pipeline.fit(train[NUMBERS + TEXTS].astype(dict.fromkeys(TEXTS, object)), train[LABEL])
    types = [(name, FloatTensorType([None, 1])) for name in NUMBERS]
    types += [(name, StringTensorType([None, 1])) for name in TEXTS]
    path = home / "income_sklearn.onnx"
    path.write_bytes(to_onnx(pipeline, initial_types=types, target_opset=17).SerializeToString())
    return path


def lightgbm_model(train: pd.DataFrame, home: Path) -> Path:
    model = lightgbm.LGBMClassifier(n_estimators=100, verbose=-1, random_state=7)
    model.fit(train[NUMBERS].to_numpy(np.float32), (train[LABEL] == CLASSES[1]).astype(int))
    exported = convert_lightgbm(model, initial_types=[("input", LightGbmFloat([None, len(NUMBERS)]))], target_opset=15)
    path = home / "income_lightgbm.onnx"
    path.write_bytes(exported.SerializeToString())
    (home / "model.yaml").write_text(f"features: {json.dumps(NUMBERS)}\n")
    return path


def texts_feed(rows: pd.DataFrame) -> dict[str, Any]:
    feed = {name: rows[name].to_numpy(np.float32).reshape(-1, 1) for name in NUMBERS}
    return feed | {name: rows[name].to_numpy(object).reshape(-1, 1) for name in TEXTS}


def matrix_feed(rows: pd.DataFrame) -> dict[str, Any]:
    return {"input": rows[NUMBERS].to_numpy(np.float32)}


def check(name: str, model: Path, feed: dict[str, Any], rows: pd.DataFrame, source: Path, home: Path) -> int:
    """0 where everything is equal; prints what was compared."""
    output = home / f"out-{name}-{source.suffix[1:]}"
    label = ["--label", LABEL]
    if name == "lightgbm":  # its classes are 0 and 1
        rows = rows.assign(**{LABEL: (rows[LABEL] == CLASSES[1]).astype(int).astype(str)})
        source = home / f"labelled{source.suffix}"
        write(rows, source)
        label += ["--spec", str(home / "model.yaml")]
    else:
        (home / "empty.yaml").write_text("{}\n")
        label += ["--spec", str(home / "empty.yaml")]
    command = ["scoring", "run", str(model), str(source), "--key", "key", *label, "-o", str(output), "--json"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        print(f"{name} {source.name}: exit {finished.returncode}\n{finished.stderr}")
        return 1
    job = json.loads(finished.stdout)
    result = ds.dataset(sorted(output.glob("part-*.parquet"))).to_table().to_pandas()
    # One thread, as a worker slot has: with more the sums of a tree model differ in the last bit.
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    expected = direct(session, feed, len(rows))
    scores = result[[c for c in result.columns if c.startswith(("output_probability_", "probabilities_"))]].to_numpy()
    equal = bool(np.array_equal(scores, expected))
    once = result["_row"].tolist() == list(range(len(rows))) and result["key"].tolist() == rows["key"].tolist()
    truth = (rows[LABEL].isin([CLASSES[1], "1"])).to_numpy()
    worst, auc = compare(job["metrics"], truth, expected)
    print(
        f"{name:9} {source.suffix[1:]:8} rows {len(rows)}  scores equal: {equal}  every _row once: {once}  "
        f"largest relative difference of a metric: {worst:.1e}  roc_auc: {auc:.1e}"
    )
    return 0 if equal and once and worst <= 1e-9 and auc <= 1e-3 else 1


def write(rows: pd.DataFrame, path: Path) -> None:
    table = pa.Table.from_pandas(rows, preserve_index=False)
    pc.write_csv(table, path) if path.suffix == ".csv" else pq.write_table(table, path, row_group_size=50_000)


def direct(session: ort.InferenceSession, feed: dict[str, Any], rows: int, step: int = 1024) -> np.ndarray:
    """Probabilities [n, 2] by session.run alone, ZipMap's dictionaries taken apart row by row."""
    pieces = []
    for first in range(0, rows, step):
        output = session.run(None, {name: values[first : first + step] for name, values in feed.items()})[1]
        pieces.append(np.array([list(row.values()) for row in output]) if isinstance(output, list) else output)
    return np.concatenate(pieces).astype(np.float32)


def compare(ours: dict[str, float], truth: np.ndarray, probability: np.ndarray) -> tuple[float, float]:
    """(largest relative difference but for roc_auc, absolute difference of roc_auc)."""
    positive, epsilon = probability[:, 1], float(np.finfo(np.float32).eps)
    predicted = positive >= 0.5
    theirs = {
        "accuracy": metrics.accuracy_score(truth, predicted),
        "precision": metrics.precision_score(truth, predicted),
        "recall": metrics.recall_score(truth, predicted),
        "f1": metrics.f1_score(truth, predicted),
        # scikit-learn clips at the epsilon of the scores' own type, but then adds up in that type as well.
        "log_loss": metrics.log_loss(truth, np.clip(probability.astype(np.float64), epsilon, 1 - epsilon)),
        "brier": metrics.brier_score_loss(truth, positive.astype(np.float64)),
    }
    worst = max(abs(ours[name] - value) / abs(value) for name, value in theirs.items())
    return worst, abs(ours["roc_auc"] - metrics.roc_auc_score(truth, positive))


if __name__ == "__main__":
    sys.exit(main())
