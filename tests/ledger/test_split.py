"""The producer records chunk by chunk, goes on where it was, and never outlives its job."""

from dataclasses import replace

import pytest

from scoring.core.chunks import Fingerprint, RejectCount, RowGroupRef
from scoring.core.errors import LeaseLost, NotFound
from scoring.core.source import Position
from scoring.core.states import StepState
from scoring.ledger import jobs, parts, reports, steps
from tests.ledger.desk import GONE, Desk, after, chunk, part, score_of, split_of


def test_a_recorded_chunk_is_due_at_once(desk: Desk) -> None:
    """Scoring overlaps splitting."""
    job = desk.submit()
    desk.split_into(job.id, 1, end=False)
    step = desk.step(score_of(job.id, 0))
    assert (StepState.PENDING, 0, True) == (step.state, step.attempt, step.due_at is not None)


def test_a_chunk_reads_back_as_it_was_made(desk: Desk) -> None:
    """References to Parquet, fingerprints and rejects included."""
    job = desk.submit()
    claim = desk.claim(split_of(job.id))
    made = replace(
        chunk(0, rejected=1),
        refs=(RowGroupRef(file="/a.parquet", row_group=1, offset=2, length=8),),
        fingerprints=(Fingerprint(path="/a.parquet", size=1, mtime_ns=2**62, inode=3),),
    )
    desk.run(lambda tx: parts.insert_chunk(tx, claim, made, after(made)))
    assert made == desk.ledger.look(lambda tx: parts.chunk(tx, job.id, 0))
    with pytest.raises(NotFound):
        desk.ledger.look(lambda tx: parts.chunk(tx, job.id, 1))


def test_a_killed_split_goes_on_after_its_last_chunk(desk: Desk) -> None:
    """The position stands in the same row as the chunk."""
    job = desk.submit()
    assert desk.ledger.look(lambda tx: parts.last_position(tx, job.id)) is None
    desk.split_into(job.id, 3, end=False)
    assert after(chunk(2)) == desk.ledger.look(lambda tx: parts.last_position(tx, job.id))


def test_a_chunk_knows_where_the_split_stood_around_it(desk: Desk) -> None:
    """Before the first chunk it stood at the start."""
    job = desk.submit()
    desk.split_into(job.id, 2, end=False)
    bounds = [desk.ledger.look(lambda tx, n=n: parts.chunk_bounds(tx, job.id, n)) for n in range(2)]  # type: ignore[misc]
    assert [(Position(), after(chunk(0))), (after(chunk(0)), after(chunk(1)))] == bounds
    with pytest.raises(NotFound):
        desk.ledger.look(lambda tx: parts.chunk_bounds(tx, job.id, 2))


def test_a_split_that_lost_its_lease_records_nothing(desk: Desk) -> None:
    """Its successor may have recorded the same chunk already."""
    job = desk.submit()
    zombie = desk.run(lambda tx: steps.claim(tx, split_of(job.id), "host:1", GONE))
    assert zombie is not None
    desk.run(lambda tx: steps.rescue_expired(tx))
    successor = desk.claim(split_of(job.id))
    with pytest.raises(LeaseLost):
        desk.run(lambda tx: parts.insert_chunk(tx, zombie, chunk(0), after(chunk(0))))
    desk.run(lambda tx: parts.insert_chunk(tx, successor, chunk(0), after(chunk(0))))


def test_a_cancelled_job_gets_no_more_chunks(desk: Desk) -> None:
    """Else a live chunk would be left behind for ever."""
    job = desk.submit()
    claim = desk.claim(split_of(job.id))
    desk.run(lambda tx: jobs.cancel(tx, job.id))
    with pytest.raises(LeaseLost):
        desk.run(lambda tx: parts.insert_chunk(tx, claim, chunk(0), after(chunk(0))))


def test_a_parked_split_wakes_at_the_low_mark(desk: Desk) -> None:
    """Chunk files wait on the disk; what is scored, failed or referenced does not count."""
    job = desk.submit()
    claim = desk.split_into(job.id, 3, end=False, bytes=100)
    assert 300 == desk.ledger.look(lambda tx: parts.unscored_bytes(tx, job.id))
    desk.run(lambda tx: steps.release(tx, claim, due_in_seconds=None))
    assert not desk.run(lambda tx: steps.unpark_split(tx, job.id, 200))
    desk.complete(job.id, 0)
    assert desk.run(lambda tx: steps.unpark_split(tx, job.id, 200))
    assert not desk.run(lambda tx: steps.unpark_split(tx, job.id, 200))
    desk.fail(score_of(job.id, 1))
    assert 100 == desk.ledger.look(lambda tx: parts.unscored_bytes(tx, job.id))
    assert 2 == desk.claim(split_of(job.id)).attempt


def test_a_waiting_split_is_not_unparked(desk: Desk) -> None:
    """A split that backs off after a failure has its own time."""
    job = desk.submit()
    assert not desk.run(lambda tx: steps.unpark_split(tx, job.id, 10**9))


def test_rejects_of_split_and_scoring_are_counted_once(desk: Desk) -> None:
    """The part's own counts, which hold the split's too, take their place."""
    job = desk.submit()
    claim = desk.claim(split_of(job.id))
    found = (RejectCount(code="short_row", column="", rows=2),)
    for number in (0, 1):
        made = replace(chunk(number, rejected=2), reject_counts=found)
        desk.run(lambda tx, made=made: parts.insert_chunk(tx, claim, made, after(made)))  # type: ignore[misc]
    desk.run(lambda tx: steps.complete_split(tx, claim, 20))
    assert 4 == desk.ledger.look(lambda tx: parts.rejected_rows(tx, job.id))
    desk.complete(job.id, 0, scored=7, rejected=3)
    assert 5 == desk.ledger.look(lambda tx: parts.rejected_rows(tx, job.id))
    assert [
        {"code": "bad_value", "column_name": "age", "rows": 3},
        {"code": "short_row", "column_name": "", "rows": 2},
    ] == desk.ledger.look(lambda tx: reports.reject_totals(tx, job.id))


def test_parts_read_back_in_chunk_order(desk: Desk) -> None:
    """With the files that the commit named; chunks without a part are listed apart."""
    job = desk.running(3)
    desk.complete(job.id, 2, scored=8, rejected=2)
    desk.complete(job.id, 0)
    committed = desk.ledger.look(lambda tx: parts.committed_parts(tx, job.id))
    assert [0, 2] == [found.chunk.chunk for found in committed]
    assert (part(2, scored=8, rejected=2).rejects, 8) == (committed[1].files.rejects, committed[1].files.rows_scored)
    assert [chunk(1)] == desk.ledger.look(lambda tx: parts.chunks_without_part(tx, job.id))


def test_sums_come_in_chunk_order_and_can_be_dropped(desk: Desk) -> None:
    """Merged in another order they would differ in the last bit."""
    job = desk.running(3)
    for number in (2, 0):
        desk.complete(job.id, number, sums=bytes([number]))
    desk.complete(job.id, 1)
    assert [b"\x00", b"\x02"] == desk.ledger.look(lambda tx: list(parts.sums(tx, job.id)))
    desk.run(lambda tx: parts.drop_sums(tx, job.id))
    assert [] == desk.ledger.look(lambda tx: list(parts.sums(tx, job.id)))
