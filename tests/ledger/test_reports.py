"""The promised views, filled: the same figures from both databases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from scoring.core.accuracy.figure import Figure
from scoring.core.chunks import WarningCount
from scoring.core.errors import ErrorCode, NotFound
from scoring.core.options import JobOptions
from scoring.core.states import Gate, JobState
from scoring.ledger import jobs, reports, steps
from scoring.ledger.records import JobVerdict
from tests.ledger.desk import FAILED, PERMANENT, Desk, finalize_of, part, score_of


def _progress(desk: Desk, job_id: Any) -> dict[str, Any]:
    return desk.ledger.look(lambda tx: reports.job_progress(tx, job_id))


def _view(desk: Desk, name: str) -> list[dict[str, Any]]:
    columns, rows = desk.ledger.look(lambda tx: reports.view(tx, name))
    return [dict(zip(columns, row, strict=True)) for row in rows]


def test_progress_of_a_live_job_is_counted(desk: Desk) -> None:
    """Chunks, rows and rejects so far; no total before the split has ended."""
    job = desk.submit()
    claim = desk.split_into(job.id, 4, end=False)
    desk.complete(job.id, 0)
    desk.complete(job.id, 1, scored=7, rejected=3)
    desk.fail(score_of(job.id, 2))
    names = ("state", "chunks_total", "chunks_done", "chunks_failed", "rows_total", "rows_scored", "rows_rejected")
    expected = ["running", None, 2, 1, None, 17, 3]
    assert expected == [_progress(desk, job.id)[name] for name in names]
    desk.run(lambda tx: steps.complete_split(tx, claim, 40))
    now = _progress(desk, job.id)
    assert (4, 40) == (now["chunks_total"], now["rows_total"])
    assert now["rows_per_second"] > 0
    assert now["eta_seconds"] == pytest.approx(20 / now["rows_per_second"])


def test_a_settled_job_carries_what_was_counted(desk: Desk) -> None:
    """The figures of the last live look are those of the record."""
    job = desk.running(3)
    desk.complete(job.id, 0, scored=8, rejected=2)
    desk.complete(job.id, 1)
    desk.fail(score_of(job.id, 2))
    names = ("chunks_total", "chunks_done", "chunks_failed", "rows_total", "rows_scored", "rows_rejected")
    live = _progress(desk, job.id)
    desk.finish(job.id, FAILED)
    settled = _progress(desk, job.id)
    assert [live[name] for name in names] == [settled[name] for name in names] == [3, 2, 1, 30, 18, 2]
    assert ("failed", "chunks_failed", None) == (settled["state"], settled["error_code"], settled["eta_seconds"])


def test_times_are_utc_and_aware(desk: Desk) -> None:
    """Whatever the server's own zone is; a slot comes back to the microsecond."""
    slot = datetime(2026, 3, 29, 2, 30, 0, 123_456, tzinfo=UTC)
    job = desk.submit(schedule="nightly", slot=slot)
    row = _progress(desk, job.id)
    assert ("nightly", slot, timedelta(0)) == (row["schedule"], row["slot"], row["submitted_at"].utcoffset())
    assert abs(datetime.now(UTC) - row["submitted_at"]) < timedelta(minutes=5)
    assert row["submitted_at"] == desk.job(job.id).submitted_at


def test_the_raw_view_holds_times_that_sql_understands(desk: Desk) -> None:
    """ISO 8601 with a Z in SQLite, timestamptz in Postgres."""
    desk.submit()
    raw = desk.ledger.look(lambda tx: tx.scalar(text("SELECT submitted_at FROM job_progress")))
    if desk.ledger.dialect == "sqlite":
        assert str(raw).endswith("Z")
        assert datetime.fromisoformat(str(raw)).utcoffset() == timedelta(0)
    else:
        assert raw is not None
        assert raw.tzinfo is not None


def test_chunks_show_state_attempts_rows_and_part(desk: Desk) -> None:
    """`attempts` counts those begun, `seconds` is the winner's."""
    job = desk.running(3)
    first = desk.claim(score_of(job.id, 0))
    desk.run(lambda tx: steps.release(tx, first))
    desk.complete(job.id, 0, scored=9, rejected=1)
    desk.fail(score_of(job.id, 1))
    rows = sorted(_view(desk, "chunk_progress"), key=lambda row: int(row["chunk"]))
    names = ("state", "attempts", "rows", "rows_scored", "rows_rejected", "part", "error_code")
    assert [
        ["succeeded", 2, 10, 9, 1, "part-000000.parquet", None],
        ["failed", 1, 10, None, 0, None, "bad_output"],
        ["pending", 0, 10, None, 0, None, None],
    ] == [[row[name] for name in names] for row in rows]
    assert rows[0]["seconds"] >= 0
    assert rows[0]["started_at"] <= rows[0]["finished_at"]


def test_failures_tell_chunk_and_job_apart(desk: Desk) -> None:
    """A failed finalize has no chunk; hand-backs and cancelled attempts are no failures."""
    job = desk.running(2)
    desk.fail(score_of(job.id, 1))
    released = desk.claim(score_of(job.id, 0))
    desk.run(lambda tx: steps.release(tx, released))
    desk.claim(score_of(job.id, 0))
    desk.run(lambda tx: jobs.stop(tx, job.id, ErrorCode.TOO_MANY_REJECTS, "11 of 10"))
    desk.arm(job.id)
    desk.fail(finalize_of(job.id), PERMANENT)
    assert [(1, "bad_output"), (None, "bad_output")] == [
        (row["chunk"], row["error_code"]) for row in desk.ledger.look(lambda tx: reports.failed_attempts(tx, job.id))
    ]


def test_what_was_decided_about_rows_is_summed_over_chunks(desk: Desk) -> None:
    """By code and column, the most frequent first; `job_facts` sums the columns too."""
    job = desk.running(2)
    counts = [("nan_output", "y", 1), ("null_as_nan", "age", 2), ("null_as_nan", "plan", 3)]
    decided = tuple(WarningCount(code=code, column=column, rows=rows) for code, column, rows in counts)
    for number in range(2):
        claim, made = desk.claim(score_of(job.id, number)), replace(part(number), warning_counts=decided)
        desk.run(lambda tx, claim=claim, made=made: steps.complete_chunk(tx, claim, made))  # type: ignore[misc]
    totals = desk.ledger.look(lambda tx: reports.warning_totals(tx, job.id))
    expected = [("null_as_nan", "plan", 6), ("null_as_nan", "age", 4), ("nan_output", "y", 2)]
    assert expected == [(total["code"], total["column_name"], total["rows"]) for total in totals]
    facts = desk.ledger.look(lambda tx: reports.job_facts(tx, job.id))
    assert {"null_as_nan": 10, "nan_output": 2} == facts["warnings"]


def test_figures_reach_both_accuracy_views(desk: Desk) -> None:
    """NULL has a reason; a matrix is printed, not viewed."""
    job = desk.running(1, options=JobOptions(label="churned", tags=(("team", "risk"),)))
    claim = desk.claim(score_of(job.id, 0))
    chunk_figures = [Figure(metric="accuracy", value=0.5, rows=8, coverage=0.8)]
    desk.run(lambda tx: steps.complete_chunk(tx, claim, part(0), chunk_figures))
    desk.arm(job.id)
    finalize = desk.claim(finalize_of(job.id))
    matrix = {"labels": ["0", "1"], "counts": [[4, 0], [4, 0]]}
    figures = [
        Figure(metric="accuracy", value=0.5, rows=8, coverage=0.8),
        Figure(metric="roc_auc", value=None, rows=8, coverage=0.8, reason="one class only"),
        Figure(metric="confusion_matrix", value=None, rows=8, coverage=0.8, detail=matrix),
    ]
    desk.run(lambda tx: jobs.begin_finalizing(tx, finalize, JobVerdict(gate=Gate.PASSED), figures))
    desk.run(lambda tx: jobs.settle(tx, finalize))
    batch = {
        row["metric"]: (row["value"], row["rows"], row["coverage"], row["reason"])
        for row in _view(desk, "batch_accuracy")
    }
    assert {"accuracy": (0.5, 8, 0.8, None), "roc_auc": (None, 8, 0.8, "one class only")} == batch
    assert [(job.id, 0, "accuracy", 0.5, 8)] == [tuple(row.values())[:5] for row in _view(desk, "chunk_accuracy")]
    assert [0.8] == [row["coverage"] for row in desk.ledger.look(lambda tx: reports.chunk_figures(tx, job.id))]
    assert matrix in [row["detail"] for row in desk.ledger.look(lambda tx: reports.job_figures(tx, job.id))]
    facts = desk.ledger.look(lambda tx: reports.job_facts(tx, job.id))
    assert ({"accuracy": 0.5, "roc_auc": None}, {"team": "risk"}) == (facts["metrics"], facts["tags"])


def test_jobs_are_listed_newest_first_and_by_what_fits(desk: Desk) -> None:
    """State, model, time of submission, number."""
    first, second = desk.submit(), desk.submit(model_version_id=desk.model(name="other"))
    desk.run(lambda tx: jobs.cancel(tx, first.id))
    listed = lambda **fits: [row["job_id"] for row in desk.ledger.look(lambda tx: reports.jobs(tx, **fits))]  # noqa: E731
    assert [second.id, first.id] == listed()
    assert [first.id] == listed(state=JobState.CANCELLED)
    assert [second.id] == listed(model="other")
    assert [second.id] == listed(limit=1)
    assert [] == listed(since=datetime.now(UTC) + timedelta(days=1))


def test_the_last_success_tells_the_speed(desk: Desk) -> None:
    """For a forecast; no success, no forecast."""
    version = desk.model()
    speed = lambda: desk.ledger.look(lambda tx: reports.rows_per_second(tx, version))  # noqa: E731
    assert speed() is None
    job = desk.running(1)
    desk.complete(job.id, 0)
    desk.finish(job.id)
    assert speed() == pytest.approx(_progress(desk, job.id)["rows_per_second"])


def test_what_is_not_there_is_said(desk: Desk) -> None:
    """A view's name goes into SQL: only ours do."""
    with pytest.raises(NotFound, match="job_progress"):
        desk.ledger.look(lambda tx: reports.view(tx, "jobs; DROP TABLE jobs"))
    with pytest.raises(NotFound):
        desk.ledger.look(lambda tx: reports.job_facts(tx, score_of(desk.new().id, 0).job_id))
