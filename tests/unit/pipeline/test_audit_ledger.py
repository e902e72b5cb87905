"""An audit finds what somebody did to the rows of a job, and knows how jobs of every end ought to stand."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from scoring.core.audit import Audit, CheckStatus
from scoring.core.errors import NotFound, UsageError
from scoring.core.ids import JobId
from scoring.core.states import JobState
from scoring.failpoints import arm, parse
from scoring.ledger import jobs, steps, verdicts
from scoring.ledger.audit import job_steps
from scoring.ledger.records import Job
from scoring.pipeline.audit import audit
from scoring.pipeline.audit_grounds import require_still
from scoring.pipeline.audit_standing import standing_of
from scoring.pipeline.context import Context
from scoring.pipeline.work import work
from tests.ledger.desk import split_of
from tests.unit.pipeline.audited import Audited, make
from tests.unit.pipeline.one_job import scored, submitted, table_model, worked, write_rows
from tests.unit.pipeline.test_lease import context_in

TWICE = (
    "INSERT INTO attempts SELECT job_id, kind, chunk, 0, worker, started_at, ended_at, outcome, NULL, NULL"
    " FROM attempts WHERE chunk = 1"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Audited:
    return make(tmp_path_factory.mktemp("audited"))


@pytest.mark.parametrize(
    ("statement", "check", "words"),
    [
        ("DELETE FROM parts WHERE chunk = 1", "chunks", "chunks with a part: expected 3, got 2"),
        ("DELETE FROM chunks WHERE chunk = 1", "chunks", "expected 1 from row 10, got 2 from row 20"),
        ("DELETE FROM chunks WHERE chunk = 2", "chunks", "rows of all chunks: expected 30, got 20"),
        ("UPDATE chunks SET first_row = 9 WHERE chunk = 1", "chunks", "expected 1 from row 10, got 1 from row 9"),
        ("UPDATE parts SET rows_scored = 7 WHERE chunk = 1", "chunks", "rows of chunk 1: expected 10, got 9"),
        ("DELETE FROM attempts WHERE chunk = 1", "attempts", "attempts at chunk 1: expected [1], got []"),
        ("DELETE FROM attempts WHERE kind = 'split'", "attempts", "attempts at the split: expected [1], got []"),
        ("UPDATE attempts SET attempt = 2 WHERE chunk = 1", "attempts", "attempts at chunk 1: expected [1], got [2]"),
        (
            "UPDATE attempts SET outcome = 'released' WHERE chunk = 1",
            "attempts",
            "winning attempts at chunk 1: expected [1], got []",
        ),
        (
            TWICE,
            "attempts",
            "winning attempts at chunk 1: expected [1], got [0, 1]",
        ),
        ("UPDATE parts SET attempt = 4 WHERE chunk = 1", "attempts", "the part of chunk 1 is of attempt"),
        ("DELETE FROM steps WHERE chunk = 1", "attempts", "chunk 1 has no step"),
        ("DELETE FROM steps WHERE kind = 'finalize'", "attempts", "finalize steps: expected 1, got 0"),
        ("UPDATE steps SET state = 'running' WHERE chunk = 1", "attempts", "chunk 1 is running in a settled job"),
        ("UPDATE steps SET state = 'failed' WHERE chunk = 1", "attempts", "failed without a code"),
        ("UPDATE jobs SET rows_scored = 99", "totals", "rows_scored of job_progress: expected 24, got 99"),
        ("UPDATE jobs SET rows_rejected = 0", "totals", "rows_rejected of job_progress: expected 6, got 0"),
        ("UPDATE jobs SET chunks_done = 2", "totals", "chunks_done of job_progress: expected 3, got 2"),
        ("UPDATE jobs SET rows_rejected = NULL", "totals", "rows_rejected of the job is not set"),
        ("UPDATE jobs SET rows_total = 31", "totals", "rows in: expected 31, got 30"),
        ("DELETE FROM reject_counts WHERE chunk = 1", "rejects", "chunk 1: expected none, got 2 bad_value in i"),
        (
            "UPDATE reject_counts SET rows = 1 WHERE chunk = 1",
            "rejects",
            "expected 1 bad_value in i, got 2 bad_value in i",
        ),
        (
            "UPDATE parts SET rejects_sha256 = NULL WHERE chunk = 1",
            "files",
            "part-000001.parquet: the ledger does not say",
        ),
        ("UPDATE parts SET rejects_sha256 = 'ab' WHERE chunk = 1", "files", "_rejects/part-000001.parquet: expected"),
    ],
)
def test_a_changed_row_is_found_and_named(made: Audited, statement: str, check: str, words: str) -> None:
    """Whatever the tables' own rules would let through."""
    made.put_back()
    made.sql(statement)
    failed = made.failed()
    assert words in failed.get(check, ""), failed


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """One for all: a model that is known is not tried out again."""
    opened = context_in(tmp_path_factory.mktemp("home"), SCORING_MAX_ATTEMPTS="1")
    yield opened
    opened.ledger.close()


def inputs(folder: Path, rows: int = 30) -> tuple[Path, Path]:
    """A model, and a file whose every fifth row is rejected."""
    cells = ["x" if row % 5 == 0 else str(row) for row in range(rows)]
    return table_model(folder / "table.onnx", [float(row) for row in range(30)]), write_rows(folder / "r.csv", i=cells)


def ended(context: Context, folder: Path, rows: int = 30, **options: Any) -> Job:
    return scored(context, *inputs(folder, rows), chunk_rows=10, **options)


def failed(context: Context, folder: Path, **options: Any) -> Job:
    """Its last chunk spends its attempts."""
    arm(parse("score.read#2=raise"))
    try:
        return ended(context, folder, **options)
    finally:
        arm(())


def begun(context: Context, folder: Path, **options: Any) -> Job:
    """One of its chunks is scored."""
    job = submitted(context, *inputs(folder, 20), chunk_rows=10, **options)
    work(context, split_of(job.id), Event())
    work(context, context.ledger.look(lambda tx: steps.open_steps(tx, job.id))[1].id, Event())
    return job


def proven(context: Context, job_id: JobId) -> Audit:
    found = audit(context.ledger, job_id)
    assert found.ok, found.checks
    return found


def statuses(found: Audit) -> dict[str, str]:
    return {check.name: check.status for check in found.checks}


def test_a_failed_job_shows_what_succeeded(context: Context, tmp_path: Path) -> None:
    """Parts, the rejects of all chunks, `_partial.json`; the digest is that of what is there."""
    job = failed(context, tmp_path)
    found = proven(context, job.id)
    assert (JobState.FAILED, 30, 16, 6) == (found.state, found.rows_total, found.rows_scored, found.rows_rejected)
    assert (tmp_path / "out" / "_rejects" / "part-000002.parquet").exists()
    assert found.digest is not None
    (tmp_path / "out" / "_rejects" / "part-000002.parquet").unlink()
    (tmp_path / "out" / "_SUCCESS").touch()
    said = {c.name: c.message for c in audit(context.ledger, job.id).checks if c.status is CheckStatus.FAILED}
    assert {"folder", "files"} == set(said)
    assert "_SUCCESS is there for a job that is failed" in said["folder"]


def test_a_failed_job_with_overwrite_keeps_its_files_aside(context: Context, tmp_path: Path) -> None:
    """Last night's result is not its own; its committed parts wait in the staging folder, and are read there."""
    last = ended(context, tmp_path, rows=20)
    job = failed(context, tmp_path, overwrite=True)
    found = proven(context, job.id)
    assert (JobState.FAILED, 16) == (found.state, found.rows_scored)
    assert CheckStatus.SKIPPED == statuses(found)["manifest"]
    proven(context, last.id)
    shutil.rmtree(tmp_path / "out" / "_staging")
    assert CheckStatus.FAILED == statuses(audit(context.ledger, job.id))["files"]


def broken_off(context: Context, folder: Path, point: str, **options: Any) -> Job:
    """Its last step spends its attempts at a failpoint."""
    arm(parse(f"{point}=raise"))
    try:
        return ended(context, folder, **options)
    finally:
        arm(())


@pytest.mark.parametrize(
    ("options", "point", "public"),
    [
        ({}, "finalize.verdict", "6 of its 6 files are public"),
        ({"overwrite": True}, "finalize.verdict", "0 of its 6 files are public"),
        ({"overwrite": True}, "finalize.promoted", "6 of its 6 files are public"),
    ],
)
def test_a_job_whose_end_broke_off_may_have_shown_its_files(
    context: Context, tmp_path: Path, options: dict[str, Any], point: str, public: str
) -> None:
    """Any of those that were committed, and no other; nothing lists them, and nothing says success."""
    job = broken_off(context, tmp_path, point, **options)
    said = {check.name: check.message for check in proven(context, job.id).checks}
    assert public in said["folder"]


def test_what_the_end_that_broke_off_cannot_have_left_is_found(context: Context, tmp_path: Path) -> None:
    """A file that no chunk has committed; `_SUCCESS` of a job that has failed."""
    job, out = broken_off(context, tmp_path, "finalize.verdict"), tmp_path / "out"
    (out / "_SUCCESS").touch()
    shutil.copy(out / "part-000000.parquet", out / "part-000007.parquet")
    (check,) = [check for check in audit(context.ledger, job.id).checks if check.status is CheckStatus.FAILED]
    assert (
        "_SUCCESS is public, and ought not to be; part-000007.parquet is public, and ought not to be" == check.message
    )


def test_an_output_that_the_last_host_might_not_write_to_is_left_alone(context: Context, tmp_path: Path) -> None:
    """The job has failed for that, and shows nothing; a host that might write there has left its list."""
    roots = {"SCORING_OUTPUT_ROOTS": str(tmp_path / "elsewhere")}
    confined = context_in(context.settings.home, SCORING_MAX_ATTEMPTS="1", **roots)
    job = worked(confined, submitted(context, *inputs(tmp_path)).id)
    confined.ledger.close()
    said = {check.name: check.message for check in proven(context, job.id).checks}
    words = "the end of the job was not published: 0 of its 0 files are public without _partial.json, and no other"
    assert words == said["folder"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_cancelled_job_is_proven_once_it_is_tidied_up(context: Context, tmp_path: Path, overwrite: bool) -> None:
    """Its last step is still to come: wait; then what it had finished is whole, with --overwrite nothing is kept."""
    job = begun(context, tmp_path, overwrite=overwrite)
    context.ledger.run(lambda tx: verdicts.cancel(tx, job.id))
    with pytest.raises(UsageError, match="work left to do"):
        audit(context.ledger, job.id)
    worked(context, job.id)
    found = proven(context, job.id)
    assert (JobState.CANCELLED, 0 if overwrite else 8) == (found.state, found.rows_scored)
    assert (found.digest is None) == overwrite


def test_a_live_job_is_waited_for(context: Context, tmp_path: Path) -> None:
    """Exit 2 with the command that waits; an unknown job is exit 3."""
    job = begun(context, tmp_path)
    with pytest.raises(UsageError, match="one that is running") as refusal:
        audit(context.ledger, job.id)
    assert f"scoring wait {job.id}" == refusal.value.remedy
    with pytest.raises(NotFound):
        audit(context.ledger, JobId("0" * 16))


def test_a_replaced_result_is_no_broken_one(context: Context, tmp_path: Path) -> None:
    """The job that replaced it is named, and is whole."""
    old, new = ended(context, tmp_path, rows=20), ended(context, tmp_path, rows=15, overwrite=True)
    with pytest.raises(UsageError, match=f"that of job {new.id}, which replaced it"):
        audit(context.ledger, old.id)
    proven(context, new.id)


def test_a_result_that_was_cleared_for_another_is_no_broken_one(context: Context, tmp_path: Path) -> None:
    """Its successor died before it had a list of its own; a successor that has cleared nothing is passed over."""
    old = ended(context, tmp_path, rows=20)
    broken_off(context, tmp_path, "finalize.verdict", overwrite=True)
    proven(context, old.id)
    new = broken_off(context, tmp_path, "finalize.promoted", rows=15, overwrite=True)
    with pytest.raises(UsageError, match=f"that of job {new.id}, which replaced it"):
        audit(context.ledger, old.id)


def test_a_result_that_is_replaced_during_its_audit_is_no_broken_one(context: Context, tmp_path: Path) -> None:
    """Whatever was found of its files meanwhile."""
    old = ended(context, tmp_path, rows=20)
    standing = standing_of(old, context.ledger.look(lambda tx: job_steps(tx, old.id)))
    require_still(context.ledger, old, standing)
    new = ended(context, tmp_path, rows=15, overwrite=True)
    with pytest.raises(UsageError, match=f"that of job {new.id}, which replaced it"):
        require_still(context.ledger, old, standing)


def test_a_job_without_a_row_is_whole(context: Context, tmp_path: Path) -> None:
    """One empty part with its columns."""
    found = proven(context, ended(context, tmp_path, rows=0).id)
    assert (0, 0, 0) == (found.rows_total, found.rows_scored, found.rows_rejected)


def test_the_cut_into_chunks_does_not_move_the_digest(context: Context, tmp_path: Path) -> None:
    """Nor does the compression; another row does."""
    model, rows = inputs(tmp_path, 20)
    digests = [
        proven(context, scored(context, model, rows, output=str(tmp_path / name), **options).id).digest
        for name, options in (
            ("a", {"chunk_rows": 3}),
            ("b", {"chunk_rows": 20, "compression": "zstd"}),
            ("c", {"limit": 19}),
        )
    ]
    assert digests[0] == digests[1] != digests[2]


def test_a_purged_job_has_nothing_to_prove(context: Context, tmp_path: Path) -> None:
    """What retention took is not missed."""
    job = ended(context, tmp_path, rows=5)
    context.ledger.run(lambda tx: tx.exec_driver_sql(f"UPDATE jobs SET purged_at = 1 WHERE job_id = '{job.id}'"))
    with pytest.raises(UsageError, match="purged at"):
        audit(context.ledger, job.id)
    assert context.ledger.look(lambda tx: jobs.job(tx, job.id)).purged_at is not None
