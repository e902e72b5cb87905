"""What the acceptance tests share: a program of their own, a model, and files to score."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from tests.acceptance.program import Program
from tests.small_models import churn_model


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Two named inputs, a float and a text; gives `label` and `probabilities` [N,2]."""
    return churn_model(tmp_path / "churn.onnx")


WriteRows = Callable[..., Path]


@pytest.fixture
def write_rows(tmp_path: Path) -> WriteRows:
    """Write customers with id, age, plan and churned; the ending names the format."""

    def write(name: str, rows: int, *, row_group_size: int | None = None) -> Path:
        path = tmp_path / name
        table = customers(rows)
        if path.suffix == ".parquet":
            pq.write_table(table, path, row_group_size=row_group_size)
        else:
            pc.write_csv(table, path)
        return path

    return write


def customers(rows: int) -> pa.Table:
    """Deterministic rows: two files of one length are the same."""
    random = np.random.default_rng(7)
    age = np.round(random.normal(45, 15, rows), 2).astype(np.float32)
    plan = random.choice(["free", "basic", "pro"], rows)
    churned = (random.random(rows) < 1 / (1 + np.exp((age - 45) / 10))).astype(np.int64)
    return pa.table(
        {
            "id": pa.array([f"c{number:07d}" for number in range(rows)], pa.string()),
            "age": pa.array(age),
            "plan": pa.array(plan.tolist(), pa.string()),
            "churned": pa.array(churned),
        }
    )
