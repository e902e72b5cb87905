"""What goes of a batch, what stays of it, and when it may go at all."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from scoring.core.errors import UsageError
from scoring.core.ids import JobId
from scoring.core.schedules.keep import Keep
from scoring.ledger import jobs, reports, retention
from scoring.ledger.clock import read_clock
from scoring.ledger.database import Tx
from scoring.ledger.records import Job
from scoring.ledger.tables import attempts, chunks, job_metrics, label_files, parts, reject_counts
from scoring.ledger.tables import steps as step_rows
from tests.ledger.desk import FAILED, Desk

FIRST = datetime(2026, 3, 1, 2, tzinfo=UTC)
LATER = timedelta(seconds=1)
ROW_TABLES = (chunks, parts, step_rows, attempts, reject_counts, label_files)


def batch(desk: Desk, night: int, *, ends: str = "succeeded", schedule: str | None = "nightly") -> Job:
    """The job of one night."""
    slot = None if schedule is None else FIRST + timedelta(days=night)
    job = desk.submit(schedule=schedule, slot=slot)
    if ends == "accepted":
        return job
    desk.split_into(job.id, 2, rejected=1)
    if ends == "running":
        return desk.job(job.id)
    if ends == "cancelled":
        desk.run(lambda tx: jobs.cancel(tx, job.id))
        return desk.job(job.id)
    for number in range(2):
        desk.complete(job.id, number, scored=9, rejected=1)
    return desk.finish(job.id, FAILED if ends == "failed" else None)


def gone(desk: Desk, keep: str, now: datetime | None = None) -> list[JobId]:
    """Ids of what would go, once all attempts are at rest."""

    def ask(tx: Tx) -> list[JobId]:
        time = read_clock(tx)
        kept = Keep.parse(keep)
        found = retention.expired(tx, "nightly", kept, now=now or time, ended_before=time + LATER)
        return [job.id for job in found]

    return desk.ledger.look(ask)


def purge(desk: Desk, job_id: JobId, *, ended_before: datetime | None = None) -> bool:
    return desk.run(lambda tx: retention.purge(tx, job_id, ended_before=ended_before or read_clock(tx) + LATER))


def drop(desk: Desk, job_id: JobId) -> None:
    while desk.run(lambda tx: retention.drop_rows(tx, job_id)):
        pass


def rows_left(desk: Desk, job_id: JobId) -> int:
    def count(tx: Tx) -> int:
        own = (select(func.count()).where(table.c.job_id == job_id) for table in ROW_TABLES)
        return sum(int(tx.execute(query).scalar_one()) for query in own)

    return desk.ledger.look(count)


def test_the_newest_good_batches_stay(desk: Desk) -> None:
    """Nights that failed do not use up the count; those before the oldest that is kept go with the rest."""
    nights = [batch(desk, night, ends=ends).id for night, ends in enumerate(["succeeded", "failed", "succeeded"])]
    newest = [batch(desk, night, ends=ends).id for night, ends in ((3, "succeeded"), (4, "failed"))]
    assert nights[:2] == gone(desk, "2")
    assert nights == gone(desk, "1")
    assert [] == gone(desk, "5")
    assert newest[0] not in gone(desk, "1")


def test_batches_stay_by_the_age_of_their_slot(desk: Desk) -> None:
    """And the newest good one, however old it is."""
    nights = [batch(desk, night).id for night in range(3)]
    assert nights[:1] == gone(desk, "1d", now=FIRST + timedelta(days=2))
    assert nights[:2] == gone(desk, "1d", now=FIRST + timedelta(days=2000))


def test_only_batches_of_the_schedule_go(desk: Desk) -> None:
    """Jobs of another schedule, and of none, are not its business."""
    for schedule in ("weekly", None):
        batch(desk, 0, schedule=schedule)
    batch(desk, 1)
    assert [] == gone(desk, "1")


@pytest.mark.parametrize("state", ["accepted", "running", "cancelled"])
def test_a_job_that_still_writes_is_left(desk: Desk, state: str) -> None:
    """Live ones, and a cancelled one whose last step is still to come."""
    job = batch(desk, 0, ends=state)
    batch(desk, 1)
    assert [] == gone(desk, "1")
    assert not purge(desk, job.id)
    assert desk.job(job.id).purged_at is None


def test_a_job_that_has_just_ended_is_left(desk: Desk) -> None:
    """An attempt of it that has lost its lease may not know it yet."""
    job = batch(desk, 0)
    ended = desk.job(job.id).finished_at
    assert ended is not None
    assert not purge(desk, job.id, ended_before=ended)
    assert purge(desk, job.id, ended_before=ended + LATER)


def test_a_job_is_left_while_another_one_writes_to_its_output(desk: Desk) -> None:
    """What is there may be the other one's by the time that it is removed."""
    job = batch(desk, 0)
    batch(desk, 1)
    later = desk.submit(output=job.output)
    assert [] == gone(desk, "1")
    assert not purge(desk, job.id)
    desk.run(lambda tx: jobs.cancel(tx, later.id))
    desk.finish(later.id)
    assert [job.id] == gone(desk, "1")
    assert purge(desk, job.id)
    desk.submit(output=job.output)
    assert [] == desk.ledger.look(retention.half_purged)


def test_a_revived_job_is_left(desk: Desk) -> None:
    """`retry` came between the look and the mark."""
    job = batch(desk, 0, ends="failed")
    desk.run(lambda tx: jobs.retry(tx, job.id))
    assert not purge(desk, job.id)


def test_a_purged_job_is_not_revived(desk: Desk) -> None:
    """Its rows are gone: there is nothing to go on with."""
    job = batch(desk, 0, ends="failed")
    assert purge(desk, job.id)
    assert not purge(desk, job.id)
    with pytest.raises(UsageError, match="retention"):
        desk.run(lambda tx: jobs.retry(tx, job.id))


def test_rows_go_and_totals_and_figures_stay(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line of memory: the views tell of the job what they told before."""
    other, job = batch(desk, 0), batch(desk, 1)
    figure = {"job_id": job.id, "metric": "accuracy", "value": 0.75, "rows": 8, "coverage": 1.0}
    desk.run(lambda tx: tx.execute(job_metrics.insert(), figure))
    before = desk.ledger.look(lambda tx: reports.job_facts(tx, job.id))
    left = rows_left(desk, other.id)
    monkeypatch.setattr(retention, "CHUNKS_AT_ONCE", 1)
    assert purge(desk, job.id)
    drop(desk, job.id)
    after = desk.ledger.look(lambda tx: reports.job_facts(tx, job.id))
    assert after.pop("purged_at") is not None
    assert before == {**after, "purged_at": None}
    assert (0, left) == (rows_left(desk, job.id), rows_left(desk, other.id))
    assert [] == gone(desk, "1")


def test_a_broken_purge_is_found_until_its_last_row_is_gone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was done before the kill."""
    job = batch(desk, 0)
    batch(desk, 1)
    monkeypatch.setattr(retention, "CHUNKS_AT_ONCE", 1)
    assert [] == desk.ledger.look(retention.half_purged)
    assert purge(desk, job.id)
    for more in (True, True, False):
        assert [job.id] == [found.id for found in desk.ledger.look(retention.half_purged)]
        assert more == desk.run(lambda tx: retention.drop_rows(tx, job.id))
    assert [] == desk.ledger.look(retention.half_purged)
    assert 0 == rows_left(desk, job.id)


def test_leftovers_are_those_of_jobs_that_cannot_be_retried(desk: Desk) -> None:
    """A failed job keeps its chunk files, until it is purged."""
    good, bad, _live = batch(desk, 0), batch(desk, 1, ends="failed"), batch(desk, 2, ends="running")
    cancelled = batch(desk, 3, ends="cancelled")
    desk.finish(cancelled.id)

    def ended() -> set[JobId]:
        return {job_id for job_id, _ in desk.ledger.look(lambda tx: retention.ended(tx, before=read_clock(tx) + LATER))}

    assert {good.id, cancelled.id} == ended()
    purge(desk, bad.id)
    assert {good.id, bad.id, cancelled.id} == ended()
