"""results_<model>, latest_<model> and rejects() over several batches: what they show, and which files they open."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from scoring.core.chunks import StagedFile
from scoring.core.errors import InputMissing
from scoring.data.manifest import MANIFEST, Manifest, ManifestPart, write_manifest
from scoring.data.rejects import REJECT_SCHEMA
from scoring.ledger.database import Ledger
from scoring.ledger.records import Job
from scoring.pipeline.query import columns_of_all, query
from tests.ledger.desk import Desk

ROWS = 2


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield opened
    opened.close()


def batch(ledger: Ledger, output: Path, day: int | None = None, *, older: bool = False, **columns: Any) -> Job:
    """A succeeded job with one part of two rows and one rejected row; older: its manifest tells no Arrow schema."""
    desk = Desk(ledger)
    slot = {} if day is None else {"schedule": "nightly", "slot": datetime(2026, 1, day, tzinfo=UTC)}
    job = desk.running(1, output=str(output), **slot)
    (output / "_rejects").mkdir(parents=True)
    rows = pa.table({"_row": [0, 1], "score": [day or 0.0, 0.5], **columns})
    pq.write_table(rows, output / "part-000000.parquet")
    reject = {name: [None] for name in REJECT_SCHEMA.names} | {"_row": [2], "code": ["bad_value"]}
    pq.write_table(pa.table(reject, schema=REJECT_SCHEMA), output / "_rejects/part-000000.parquet")
    write_manifest(output, manifest_of(job, output, rows.schema))
    if older:
        lines = (output / MANIFEST).read_text().splitlines()
        (output / MANIFEST).write_text("\n".join(line for line in lines if "arrow_schema" not in line))
    desk.complete(job.id, 0)
    return desk.finish(job.id)


def manifest_of(job: Job, output: Path, schema: pa.Schema) -> Manifest:
    def listed(path: str, rows: int) -> StagedFile:
        return StagedFile(staged="", path=path, rows=rows, bytes=(output / path).stat().st_size, sha256="0")

    part, rejects = listed("part-000000.parquet", ROWS), listed("_rejects/part-000000.parquet", 1)
    return Manifest(
        job_id=job.id,
        model_name="churn",
        model_version=1,
        model_sha256="a" * 64,
        rows_total=ROWS + 1,
        rows_scored=ROWS,
        rows_rejected=1,
        schema=schema,
        parts=[ManifestPart(chunk=0, first_row=0, rows_rejected=1, part=part, rejects=rejects)],
    )


def ask(ledger: Ledger, sql: str, **parameters: object) -> list[dict[str, Any]]:
    with query(ledger, sql, parameters=parameters) as rows:
        return [row for found in rows.batches for row in found.to_pylist()]


def spoil(job: Job) -> None:
    """Other bytes, as many as before: whoever opens the part fails."""
    part = Path(job.output) / "part-000000.parquet"
    part.write_bytes(b"x" * part.stat().st_size)


def purge(ledger: Ledger, job: Job) -> None:
    with ledger.write() as tx:
        tx.execute(text("UPDATE jobs SET purged_at = 1 WHERE job_id = :job"), {"job": job.id})


@pytest.mark.parametrize(
    "condition",
    [
        "job_id = $job",
        "job_id LIKE $job || '%'",
        "slot = timestamptz '2026-01-02'",
        "job_id IN (SELECT job_id FROM job_progress WHERE slot = timestamptz '2026-01-02')",
    ],
)
def test_a_query_for_one_batch_opens_its_files_alone(ledger: Ledger, tmp_path: Path, condition: str) -> None:
    """The parts of all other batches may be damaged, whether they come before or after it."""
    found = [batch(ledger, tmp_path / f"out{day}", day) for day in (1, 2, 3)]
    spoil(found[0])
    spoil(found[2])
    given = {"job": found[1].id} if "$job" in condition else {}
    rows = ask(
        ledger, f"SELECT job_id, slot, version, score FROM results_churn WHERE {condition} ORDER BY _row", **given
    )
    facts = {"job_id": found[1].id, "slot": datetime(2026, 1, 2, tzinfo=UTC), "version": 1}
    assert [{**facts, "score": 2.0}, {**facts, "score": 0.5}] == rows


def test_a_batch_without_a_schedule_has_no_slot(ledger: Ledger, tmp_path: Path) -> None:
    """Its rows are shown beside the others, under a NULL that can be asked for."""
    batch(ledger, tmp_path / "scheduled", 1)
    job = batch(ledger, tmp_path / "by hand")
    assert [{"job_id": job.id}] == ask(ledger, "SELECT DISTINCT job_id FROM results_churn WHERE slot IS NULL")


def test_the_latest_batch_is_that_of_the_newest_slot(ledger: Ledger, tmp_path: Path) -> None:
    """A backfilled slot is scored later and is no newer; a job by hand counts from its submission."""
    batch(ledger, tmp_path / "third", 3)
    batch(ledger, tmp_path / "first", 1)
    assert [{"day": 3}] == ask(ledger, "SELECT DISTINCT day(slot) AS day FROM latest_churn")
    by_hand = batch(ledger, tmp_path / "now")
    assert [{"job_id": by_hand.id}] == ask(ledger, "SELECT DISTINCT job_id FROM latest_churn")


def test_a_manifest_without_a_schema_is_read_like_one_with_it(ledger: Ledger, tmp_path: Path) -> None:
    """Results of an older version stand beside new ones, each row once."""
    batch(ledger, tmp_path / "old", 1, older=True)
    batch(ledger, tmp_path / "new", 2)
    assert [{"n": 4, "top": 2.0}] == ask(ledger, "SELECT count(*) AS n, max(score) AS top FROM results_churn")


def test_columns_of_the_input_that_are_called_like_ours_are_kept(ledger: Ledger, tmp_path: Path) -> None:
    """`slot` and `file` of an input are shown as they are, and disturb no bookkeeping."""
    batch(ledger, tmp_path / "out", 1, slot=["a", "b"], file=["x", "y"], filename=["p", "q"], file_index=[7, 7])
    columns = "slot_1, file, filename, file_index"
    expected = {"slot_1": "a", "file": "x", "filename": "p", "file_index": 7}
    assert [expected] == ask(ledger, f"SELECT {columns} FROM results_churn WHERE _row = 0")
    of_job = [expected | {"slot": "a"}]
    of_job[0].pop("slot_1")
    assert of_job == ask(ledger, "SELECT slot, file, filename, file_index FROM results('last') WHERE _row = 0")


def test_purged_batches_are_left_out(ledger: Ledger, tmp_path: Path) -> None:
    """Retention has taken their files; who asks for one by its id is told so."""
    gone = batch(ledger, tmp_path / "gone", 2)
    kept = batch(ledger, tmp_path / "kept", 1)
    purge(ledger, gone)
    for table in ("results_churn", "latest_churn"):
        assert [{"job_id": kept.id}] == ask(ledger, f"SELECT DISTINCT job_id FROM {table}")
    for function in ("results", "rejects"):
        with pytest.raises(InputMissing, match="purged"):
            ask(ledger, f"SELECT * FROM {function}('{gone.id}')")


def test_rejects_of_a_job_are_a_table(ledger: Ledger, tmp_path: Path) -> None:
    """The rows of `_rejects/`, by id or by a parameter."""
    job = batch(ledger, tmp_path / "out")
    for sql, given in (("rejects('last')", {}), ("rejects($job)", {"job": job.id})):
        assert [{"_row": 2, "code": "bad_value"}] == ask(ledger, f"SELECT _row, code FROM {sql}", **given)


def test_a_job_without_rejects_has_an_empty_table(ledger: Ledger, tmp_path: Path) -> None:
    """No folder, no row; the columns are there all the same."""
    Desk(ledger).running(1, output=str(tmp_path / "none"))
    assert [] == ask(ledger, 'SELECT _row, file, line, "column", code, reason, raw FROM rejects($job)', job="last")


def test_a_lost_rejects_file_is_named(ledger: Ledger, tmp_path: Path) -> None:
    """A sum over the rest would be wrong in silence."""
    job = batch(ledger, tmp_path / "out")
    (Path(job.output) / "_rejects/part-000000.parquet").unlink()
    with pytest.raises(InputMissing, match="part-000000"):
        ask(ledger, "SELECT * FROM rejects('last')")


def test_a_manifest_leads_nobody_out_of_the_folder(ledger: Ledger, tmp_path: Path) -> None:
    """One that lists a file elsewhere counts as none: the parts that stand in the folder are read."""
    job = batch(ledger, tmp_path / "out", 1)
    pq.write_table(pa.table({"_row": [0], "score": [666.0]}), tmp_path / "part-000000.parquet")
    path = Path(job.output) / MANIFEST
    path.write_text(path.read_text().replace('"part-000000.parquet"', '"../part-000000.parquet"'))
    assert [{"score": 1.0}, {"score": 0.5}] == ask(ledger, "SELECT score FROM results('last')")


def test_completion_knows_the_columns_of_the_newest_batch(ledger: Ledger, tmp_path: Path) -> None:
    """Views and models alike, without a look at their rows."""
    batch(ledger, tmp_path / "out", 1)
    columns = columns_of_all(ledger)
    assert ["job_id", "slot", "version", "_row", "score"] == columns["results_churn"] == columns["latest_churn"]
    assert "rows_per_second" in columns["job_progress"]
