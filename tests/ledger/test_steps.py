"""One claim, one winner: whoever does not own the step changes nothing."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, text

from scoring.core.errors import AccountingBroken, ErrorCode, LeaseLost
from scoring.core.ids import StepId
from scoring.core.states import JobState, StepState
from scoring.ledger import jobs, parts, reports, steps
from scoring.ledger.clock import now_us
from scoring.ledger.database import Tx
from scoring.ledger.records import Claim
from scoring.ledger.revisions import HEAD, RevisionDiffers
from tests.ledger.desk import GONE, LEASE, PERMANENT, RETRYABLE, Desk, finalize_of, part, score_of, split_of, staged


def test_a_claim_raises_the_attempt_and_starts_the_job(desk: Desk) -> None:
    """PENDING → RUNNING, ACCEPTED → RUNNING, lease and worker set in the same breath."""
    job = desk.submit()
    claim = desk.claim(split_of(job.id), worker="host:7")
    step = desk.step(split_of(job.id))
    assert (1, 0, 3, "host:7") == (claim.attempt, claim.failures, claim.max_failures, claim.worker)
    assert (StepState.RUNNING, 1, "host:7") == (step.state, step.attempt, step.worker)
    assert (True, None) == (step.lease_until is not None, step.due_at)
    assert (JobState.RUNNING, True) == (desk.job(job.id).state, desk.job(job.id).started_at is not None)


def _claimed(desk: Desk) -> StepId:
    job = desk.submit()
    desk.claim(split_of(job.id))
    return split_of(job.id)


def _not_due(desk: Desk) -> StepId:
    job = desk.submit()
    claim = desk.claim(split_of(job.id))
    desk.run(lambda tx: steps.fail(tx, claim, RETRYABLE, 60))
    return split_of(job.id)


def _parked(desk: Desk) -> StepId:
    job = desk.submit()
    claim = desk.claim(split_of(job.id))
    desk.run(lambda tx: steps.release(tx, claim, due_in_seconds=None))
    return split_of(job.id)


def _unarmed(desk: Desk) -> StepId:
    return finalize_of(desk.submit().id)


def _succeeded(desk: Desk) -> StepId:
    job = desk.running(1)
    desk.complete(job.id, 0)
    return score_of(job.id, 0)


def _failed(desk: Desk) -> StepId:
    job = desk.running(1)
    desk.fail(score_of(job.id, 0))
    return score_of(job.id, 0)


def _cancelled(desk: Desk) -> StepId:
    job = desk.running(1)
    desk.run(lambda tx: jobs.cancel(tx, job.id))
    return score_of(job.id, 0)


def _unknown(desk: Desk) -> StepId:
    return score_of(desk.submit().id, 99)


@pytest.mark.parametrize(
    "case", [_claimed, _not_due, _parked, _unarmed, _succeeded, _failed, _cancelled, _unknown], ids=lambda c: c.__name__
)
def test_there_is_nothing_to_claim(desk: Desk, case: Callable[[Desk], StepId]) -> None:
    """A doubled, late or needless message is no error: it finds nothing."""
    step = case(desk)
    assert desk.run(lambda tx: steps.claim(tx, step, "host:2", LEASE)) is None


def test_nothing_is_claimed_in_a_ledger_of_another_revision(desk: Desk) -> None:
    """It was upgraded under the worker: the step stays as it is, and the worker is told why."""
    step = split_of(desk.submit().id)
    become = text("UPDATE alembic_version SET version_num = :revision")
    with desk.ledger.write() as tx:
        tx.execute(become, {"revision": "9999"})
        with pytest.raises(RevisionDiffers, match="newer than this program"):
            steps.claim(tx, step, "host:1", LEASE)
        tx.execute(become, {"revision": HEAD})
    assert (StepState.PENDING, 0) == (desk.step(step).state, desk.step(step).attempt)


def test_a_deployed_worker_claims_submitted_jobs_alone(desk: Desk) -> None:
    """Whoever rings for the job of a `scoring run` on some host moves no worker of the fleet to touch it."""
    own, submitted = desk.submit(runner="here:laptop"), desk.submit()
    assert desk.run(lambda tx: steps.claim(tx, split_of(own.id), "host:2", LEASE, fleet=True)) is None
    assert desk.run(lambda tx: steps.claim(tx, split_of(submitted.id), "host:2", LEASE, fleet=True)) is not None
    assert desk.run(lambda tx: steps.claim(tx, split_of(own.id), "laptop:1", LEASE)) is not None


def _complete(tx: Tx, claim: Claim) -> None:
    steps.complete_chunk(tx, claim, part(0))


def _release(tx: Tx, claim: Claim) -> None:
    steps.release(tx, claim)


def _fail(tx: Tx, claim: Claim) -> None:
    steps.fail(tx, claim, RETRYABLE, 0)


@pytest.mark.parametrize("verb", [_complete, _release, _fail], ids=lambda v: v.__name__)
@pytest.mark.parametrize("lost_by", ["rescue", "cancel", "stop"])
def test_a_lost_lease_moves_nothing(desk: Desk, verb: Callable[[Tx, Claim], None], lost_by: str) -> None:
    """A zombie that wakes after its lease was taken is told so, and the step stays as it is."""
    job = desk.running(1)
    claim = desk.claim(score_of(job.id, 0), lease=GONE)
    thefts: dict[str, Callable[[Tx], Any]] = {
        "rescue": lambda tx: steps.rescue_expired(tx),
        "cancel": lambda tx: jobs.cancel(tx, job.id),
        "stop": lambda tx: jobs.stop(tx, job.id, ErrorCode.INPUT_CHANGED, "it was replaced"),
    }
    desk.run(thefts[lost_by])
    before = desk.step(claim.step)
    with pytest.raises(LeaseLost):
        desk.run(lambda tx: verb(tx, claim))
    assert before == desk.step(claim.step)
    assert [] == desk.ledger.look(lambda tx: parts.committed_parts(tx, job.id))
    assert not desk.run(lambda tx: steps.extend(tx, claim, LEASE))


def test_a_zombie_cannot_win_against_the_next_attempt(desk: Desk) -> None:
    """The attempt number is the fence, not the worker's name."""
    job = desk.running(1)
    zombie = desk.claim(score_of(job.id, 0), lease=GONE)
    desk.run(lambda tx: steps.rescue_expired(tx))
    winner = desk.claim(score_of(job.id, 0), worker=zombie.worker)
    with pytest.raises(LeaseLost):
        desk.run(lambda tx: steps.complete_chunk(tx, zombie, part(0)))
    desk.run(lambda tx: steps.complete_chunk(tx, winner, part(0)))
    with pytest.raises(LeaseLost):
        desk.run(lambda tx: steps.complete_chunk(tx, zombie, part(0)))
    (committed,) = desk.ledger.look(lambda tx: parts.committed_parts(tx, job.id))
    assert (2, part(0).part) == (committed.attempt, committed.files.part)
    committed_by = lambda claim: desk.ledger.look(lambda tx: steps.was_committed(tx, claim))  # noqa: E731
    assert (True, False) == (committed_by(winner), committed_by(zombie))


def test_an_owner_whose_lease_ran_out_unseen_may_still_commit(desk: Desk) -> None:
    """Nobody else has the step: the work is good."""
    job = desk.running(1)
    claim = desk.claim(score_of(job.id, 0), lease=GONE)
    assert desk.run(lambda tx: steps.extend(tx, claim, LEASE))
    assert [] == desk.run(lambda tx: steps.rescue_expired(tx))
    desk.run(lambda tx: steps.complete_chunk(tx, claim, part(0)))
    assert StepState.SUCCEEDED is desk.step(claim.step).state


def test_a_lease_is_counted_from_this_moment(desk: Desk) -> None:
    """Not from the start of the transaction: a slow one would shorten it."""
    with desk.ledger.write() as tx:
        before = tx.execute(select(now_us())).scalar_one()
        deadline = time.monotonic() + 5
        later = before
        while later == before and time.monotonic() < deadline:
            later = tx.execute(select(now_us())).scalar_one()
    assert later > before


def test_a_released_step_costs_no_failure(desk: Desk) -> None:
    """RUNNING → PENDING, due at once; the next attempt has the next number."""
    job = desk.running(1)
    first = desk.claim(score_of(job.id, 0))
    desk.run(lambda tx: steps.release(tx, first, code=ErrorCode.INPUT_NOT_VISIBLE))
    step = desk.step(first.step)
    assert (StepState.PENDING, 0, ErrorCode.INPUT_NOT_VISIBLE) == (step.state, step.failures, step.error_code)
    second = desk.claim(first.step)
    assert (2, 0) == (second.attempt, second.failures)
    assert [] == desk.ledger.look(lambda tx: reports.failed_attempts(tx, job.id))


def test_failures_end_with_the_budget(desk: Desk) -> None:
    """RUNNING → RETRYING twice, then FAILED: three failures are the budget."""
    job = desk.running(1)
    states = []
    for _ in range(3):
        claim = desk.claim(score_of(job.id, 0))
        states.append(desk.run(lambda tx, claim=claim: steps.fail(tx, claim, RETRYABLE, 0)))  # type: ignore[misc]
    assert [StepState.RETRYING, StepState.RETRYING, StepState.FAILED] == states
    assert [(0, n, "storage") for n in (1, 2, 3)] == [
        (row["chunk"], row["attempt"], row["error_code"])
        for row in desk.ledger.look(lambda tx: reports.failed_attempts(tx, job.id))
    ]


def test_a_permanent_error_fails_the_chunk_at_once_and_no_other(desk: Desk) -> None:
    """What is left of the budget does not matter, and the job goes on."""
    job = desk.running(2)
    desk.fail(score_of(job.id, 0), PERMANENT)
    assert StepState.FAILED is desk.step(score_of(job.id, 0)).state
    desk.complete(job.id, 1)
    assert (JobState.RUNNING, None) == (desk.job(job.id).state, desk.job(job.id).error_code)
    assert [0] == desk.ledger.look(lambda tx: parts.failed_chunks(tx, job.id))


def test_a_failed_split_stops_the_job(desk: Desk) -> None:
    """Its error is the job's; its chunks are given up; finalize is next."""
    job = desk.submit()
    claim = desk.split_into(job.id, 1, end=False)
    desk.run(lambda tx: steps.fail(tx, claim, PERMANENT, 0))
    stopped = desk.job(job.id)
    assert (JobState.RUNNING, ErrorCode.BAD_OUTPUT) == (stopped.state, stopped.error_code)
    assert StepState.CANCELLED is desk.step(score_of(job.id, 0)).state
    assert JobState.FAILED is desk.finish(job.id).state


def test_any_text_can_be_an_error(desk: Desk) -> None:
    """NUL, lone surrogates and megabytes are recorded, cut and escaped."""
    job = desk.running(1)
    claim = desk.claim(score_of(job.id, 0))
    wild = replace(PERMANENT, error="a\0b\udc80" + "x" * 10_000_000)
    desk.run(lambda tx: steps.fail(tx, claim, wild, 0))
    error = desk.step(claim.step).error
    assert error is not None
    assert ("a\\x00b\\udc80x", True) == (error[:13], len(error) < 5_000)


@pytest.mark.parametrize(
    ("scored", "rejected", "because"),
    [
        (9, 0, "a row is missing"),
        (11, 0, "there is a row too many"),
        (10, 0, "the split's two rejects are gone"),
        (9, 1, "one of the split's rejects was scored"),
    ],
)
def test_a_part_that_does_not_hold_its_chunk_is_refused(desk: Desk, scored: int, rejected: int, because: str) -> None:
    """Rows in = rows scored + rows rejected, in every single commit."""
    job = desk.submit()
    desk.split_into(job.id, 1, rejected=2 if "split" in because else 0)
    claim = desk.claim(score_of(job.id, 0))
    with pytest.raises(AccountingBroken):
        desk.run(lambda tx: steps.complete_chunk(tx, claim, part(0, scored=scored, rejected=rejected)))
    assert StepState.RUNNING is desk.step(claim.step).state


def test_a_part_whose_file_says_otherwise_is_refused(desk: Desk) -> None:
    """The counts of the row are those of the files, or the commit does not happen."""
    job = desk.running(1)
    claim = desk.claim(score_of(job.id, 0))
    for wrong in (replace(part(0), part=staged("part-000000.parquet", 9)), replace(part(0), chunk=1)):
        with pytest.raises(AccountingBroken):
            desk.run(lambda tx, wrong=wrong: steps.complete_chunk(tx, claim, wrong))  # type: ignore[misc]


def test_the_totals_are_known_when_the_split_ends(desk: Desk) -> None:
    """Not before: a chunk count that may still grow would be read as the end."""
    job = desk.submit()
    claim = desk.split_into(job.id, 3, end=False)
    assert (None, None) == (desk.job(job.id).rows_total, desk.job(job.id).chunks_total)
    desk.run(lambda tx: steps.complete_split(tx, claim, 30))
    assert (30, 3) == (desk.job(job.id).rows_total, desk.job(job.id).chunks_total)


def test_a_job_without_rows_has_no_chunks(desk: Desk) -> None:
    """A header alone is an input."""
    job = desk.running(0)
    assert (0, 0) == (job.rows_total, job.chunks_total)
    assert desk.arm(job.id)
