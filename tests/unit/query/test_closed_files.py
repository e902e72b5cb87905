"""A condition on the job leaves the files of the other jobs closed, however many there are."""

from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scoring.data.row_files import write_template
from scoring.query.engine import Catalog
from scoring.query.relations import FileRows, JobRows
from tests.unit.query.test_query import ask

ROWS = pa.table({"id": ["a", "b"]})
WANTED = ("j1", "j3")


def catalog(folder: Path, parts: int) -> Catalog:
    """Five jobs whose paths alternate; nothing but those of WANTED can be read."""
    sound = BytesIO()
    pq.write_table(ROWS, sound)
    template = str(write_template(ROWS.schema, folder))
    return Catalog(
        views={"wanted": lambda: pa.table({"job_id": WANTED})},
        models={"results_m": lambda: [job(folder, f"j{n}", parts, sound.getvalue(), template) for n in range(5)]},
    )


def job(folder: Path, job_id: str, parts: int, sound: bytes, template: str) -> JobRows:
    files = [folder / f"part-{part:04d}-{job_id}.parquet" for part in range(parts if job_id in WANTED else 20)]
    for file in files:
        file.write_bytes(sound if job_id in WANTED else b"x" * len(sound))
    rows = FileRows(files=[str(file) for file in files], template=template)
    return JobRows(job_id=job_id, slot=None, version=1, rows=rows)


@pytest.mark.parametrize("parts", [60, 1_001])
@pytest.mark.parametrize(
    "condition",
    ["job_id = 'j1' OR job_id = 'j3'", "job_id IN (FROM wanted)", "job_id = (SELECT max(job_id) FROM wanted)"],
)
def test_parts_of_other_jobs_stay_closed(tmp_path: Path, parts: int, condition: str) -> None:
    """Whether their paths lie before, between or behind the wanted ones."""
    jobs = 1 if "max" in condition else 2
    found = ask(catalog(tmp_path, parts), f"SELECT count(id) AS n FROM results_m WHERE {condition}")
    assert [{"n": 2 * parts * jobs}] == found
