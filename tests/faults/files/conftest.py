"""One job at a time in a home of its own, and disks to break."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from tests.acceptance.conftest import customers
from tests.faults.files.batch import Batch
from tests.faults.files.disks import Disks
from tests.small_models import churn_model

ROWS = 4_000


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    """A model and its rows as `rows.csv` and `rows.parquet`."""
    churn_model(tmp_path / "churn.onnx")
    pc.write_csv(customers(ROWS), tmp_path / "rows.csv")
    pq.write_table(customers(ROWS), tmp_path / "rows.parquet", row_group_size=ROWS // 4)
    return Batch.in_folder(tmp_path)


@pytest.fixture
def disks() -> Iterator[Disks]:
    """Skipped where the kernel gives no namespaces to this user."""
    try:
        opened = Disks()
    except OSError as error:
        pytest.skip(f"no mount namespace: {error}")
    with opened:
        yield opened
