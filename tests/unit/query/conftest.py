"""A catalog with one view, one model and one job, whose files lie in a folder full of traps."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scoring.core.errors import NotFound
from scoring.data.row_files import write_template
from scoring.query.engine import Catalog
from scoring.query.relations import FileRows, JobRows

JOBS = pa.table(
    {
        "job_id": ["aaaa1111", "bbbb2222"],
        "finished_at": pa.array([datetime(2024, 5, 1, 12, 30, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
    }
)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Two part files in a folder whose name is full of traps."""
    folder = tmp_path / "day=2024-05-01" / "it's [a] *?"
    folder.mkdir(parents=True)
    for chunk in range(2):
        rows = pa.table({"_row": [2 * chunk, 2 * chunk + 1], "p": [0.25, 0.75]})
        pq.write_table(rows, folder / f"part-{chunk:06d}.parquet")
    return folder


@pytest.fixture
def catalog(output: Path) -> Catalog:
    files = sorted(output.glob("*.parquet"))
    template = write_template(pq.read_schema(files[0]), output.parent)
    rows = FileRows(files=[str(file) for file in files], template=str(template))
    one = JobRows(job_id="aaaa1111", slot=None, version=1, rows=rows)

    def job(reference: str) -> FileRows:
        if reference != "last":
            raise NotFound(f"no job {reference}")
        return rows

    return Catalog(
        views={"job_progress": lambda: JOBS, "job_failures": _never},
        models={"results_My-Churn": lambda: [one], "latest_none": lambda: ()},
        jobs={"results": job},
    )


def _never() -> pa.Table:
    raise AssertionError("a view that the query does not name was loaded")
