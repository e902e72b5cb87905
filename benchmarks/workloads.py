"""Two workloads, the same on every machine: a model, and rows for it as CSV and as Parquet.

    python -m benchmarks.workloads FOLDER {trees,linear} ROWS [--seed 11]

**trees**: 28 floats in one matrix input, LightGBM with 200 trees of 63 leaves. **linear**: 6 numbers and 4 texts as ten
named inputs, one-hot encoding and logistic regression. A longer file begins with the rows of a shorter one. Needs the
`dev` extra.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.inputs import KEY, Files

GROUP_ROWS = 200_000
"""Rows of a Parquet row group, and of the piece that is generated at once: memory does not grow with the rows."""

TRAIN_ROWS = 100_000

Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class Workload:
    # Feature columns: float32 ones, then text ones.
    numbers: tuple[str, ...]
    texts: tuple[str, ...] = ()
    # The name of the one input that takes all numbers as a matrix; None: an input per column.
    matrix: str | None = None
    # Feature columns of n rows.
    rows: Callable[[np.random.Generator, int], Columns]
    # A trained model as ONNX bytes, from features and a yes or no per row.
    train: Callable[["Workload", Columns, NDArray[np.bool_]], bytes]


def generate(name: str, rows: int, folder: Path, seed: int) -> None:
    """Write the files of `Files.of`; the inputs under their names once they are whole."""
    workload, files = WORKLOADS[name], Files.of(folder, name, rows)
    features = workload.rows(np.random.default_rng([seed, 0]), TRAIN_ROWS)
    files.model.write_bytes(workload.train(workload, features, _truth(features, seed)))
    unfinished = files.csv.with_suffix(".csv.tmp"), files.parquet.with_suffix(".parquet.tmp")
    schema = _table(workload, features, 0).schema
    with pa.csv.CSVWriter(unfinished[0], schema) as csv, pq.ParquetWriter(unfinished[1], schema) as parquet:
        for first in range(0, rows, GROUP_ROWS):
            count = min(GROUP_ROWS, rows - first)
            # A whole group each time, so that a shorter file is the head of a longer one.
            piece = workload.rows(np.random.default_rng([seed, 1, first]), GROUP_ROWS)
            table = _table(workload, piece, first).slice(0, count)
            csv.write_table(table)
            parquet.write_table(table)
    unfinished[0].replace(files.csv)
    unfinished[1].replace(files.parquet)


def _table(workload: Workload, features: Columns, first_id: int) -> pa.Table:
    columns = {name: pa.array(features[name]) for name in (*workload.numbers, *workload.texts)}
    ids = np.arange(first_id, first_id + len(next(iter(features.values()))))
    return pa.table({KEY: pa.array(ids)} | columns)


def _truth(features: Columns, seed: int) -> NDArray[np.bool_]:
    """Something to learn: a bent function of the first numbers, and noise."""
    first, second, third = (
        (values - values.mean()) / values.std() for values in list(features.values())[:3] if values.dtype.kind == "f"
    )
    noise = np.random.default_rng([seed, 2]).logistic(size=len(first))
    truth: NDArray[np.bool_] = first * second + np.sin(2 * third) + first - second**2 / 2 + noise > 0
    return truth


def _tree_rows(rng: np.random.Generator, rows: int) -> Columns:
    return {f"f{i:02d}": rng.standard_normal(rows, np.float32).round(5) for i in range(28)}


def _train_trees(workload: Workload, features: Columns, truth: NDArray[np.bool_]) -> bytes:
    import lightgbm
    from onnxmltools import convert_lightgbm  # type: ignore[import-untyped]  # ships no types
    from onnxmltools.convert.common.data_types import FloatTensorType  # type: ignore[import-untyped]  # as above

    # Trained on one thread: several add up in a different order each time.
    model = lightgbm.LGBMClassifier(
        n_estimators=200, num_leaves=63, random_state=1, n_jobs=1, deterministic=True, force_row_wise=True, verbose=-1
    )
    model.fit(np.column_stack([features[name] for name in workload.numbers]), truth.astype(np.int64))
    types = [(workload.matrix, FloatTensorType([None, len(workload.numbers)]))]
    exported: bytes = convert_lightgbm(model, initial_types=types, zipmap=False, target_opset=15).SerializeToString()
    return exported


def _linear_rows(rng: np.random.Generator, rows: int) -> Columns:
    numbers = {
        "age": rng.integers(18, 95, rows),
        "income": rng.lognormal(10, 0.5, rows).round(2),
        "balance": rng.normal(2_000, 1_200, rows).round(2),
        "months": rng.integers(0, 300, rows),
        "visits": rng.poisson(5, rows),
        "share": rng.random(rows).round(4),
    }
    words = {"region": 40, "channel": 6, "tariff": 8, "shop": 800}
    texts = {
        # The product of two uniform numbers: few words are frequent, most are rare.
        name: np.array([f"{name} {i:03d}" for i in range(size)], np.object_)[
            (rng.random(rows) * rng.random(rows) * size).astype(np.int64)
        ]
        for name, size in words.items()
    }
    return {name: values.astype(np.float32) for name, values in numbers.items()} | texts


def _train_linear(workload: Workload, features: Columns, truth: NDArray[np.bool_]) -> bytes:
    import pandas as pd
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers, texts = list(workload.numbers), list(workload.texts)
    encoded = ColumnTransformer(
        [("n", StandardScaler(), numbers), ("t", OneHotEncoder(handle_unknown="ignore"), texts)]
    )
    pipeline = make_pipeline(encoded, LogisticRegression(max_iter=300))
    pipeline.fit(
        pd.DataFrame({name: features[name] for name in numbers + texts}).astype(dict.fromkeys(texts, object)), truth
    )
    types = [(name, FloatTensorType([None, 1])) for name in numbers]
    types += [(name, StringTensorType([None, 1])) for name in texts]
    exported: bytes = to_onnx(
        pipeline, initial_types=types, options={"zipmap": False}, target_opset=15
    ).SerializeToString()
    return exported


WORKLOADS = {
    "trees": Workload(
        numbers=tuple(f"f{i:02d}" for i in range(28)), matrix="input", rows=_tree_rows, train=_train_trees
    ),
    "linear": Workload(
        numbers=("age", "income", "balance", "months", "visits", "share"),
        texts=("region", "channel", "tariff", "shop"),
        rows=_linear_rows,
        train=_train_linear,
    ),
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("workload", choices=WORKLOADS)
    arguments.add_argument("rows", type=int)
    arguments.add_argument("--seed", type=int, default=11)
    given = arguments.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    generate(given.workload, given.rows, given.folder, given.seed)


if __name__ == "__main__":
    main()
