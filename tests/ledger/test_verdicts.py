"""How jobs end: finalized once, cancelled in time or not at all, revived only from failure."""

import pytest

from scoring.core.accuracy.figure import Figure
from scoring.core.errors import ErrorCode, LeaseLost, UsageError
from scoring.core.options import JobOptions, RejectLimit
from scoring.core.states import Gate, JobState, StepState
from scoring.ledger import jobs, reports, steps
from scoring.ledger.records import CancelResult, JobVerdict
from tests.ledger.desk import FAILED, PERMANENT, RETRYABLE, Desk, finalize_of, part, score_of, split_of


def test_finalize_waits_for_the_last_chunk(desk: Desk) -> None:
    """Split ended, no chunk live: armed once, and only once."""
    job = desk.submit()
    claim = desk.split_into(job.id, 2, end=False)
    desk.complete(job.id, 0)
    assert not desk.arm(job.id)
    desk.run(lambda tx: steps.complete_split(tx, claim, 20))
    assert not desk.arm(job.id)
    desk.fail(score_of(job.id, 1))
    assert (True, False) == (desk.arm(job.id), desk.arm(job.id))


def test_a_good_verdict_succeeds(desk: Desk) -> None:
    """RUNNING → FINALIZING → SUCCEEDED, with totals and figures."""
    job = desk.running(2)
    desk.complete(job.id, 0)
    desk.complete(job.id, 1, scored=9, rejected=1)
    desk.arm(job.id)
    claim = desk.claim(finalize_of(job.id))
    figures = [Figure(metric="accuracy", value=0.5, rows=19, coverage=1.0)]
    finalizing = desk.run(lambda tx: jobs.begin_finalizing(tx, claim, JobVerdict(gate=Gate.PASSED), figures))
    assert (JobState.FINALIZING, Gate.PASSED, True) == (finalizing.state, finalizing.gate, finalizing.succeeds)
    settled = desk.run(lambda tx: jobs.settle(tx, claim))
    assert (JobState.SUCCEEDED, None, True) == (settled.state, settled.error_code, settled.finished_at is not None)
    facts = desk.ledger.look(lambda tx: reports.job_facts(tx, job.id))
    assert (2, 0, 19, 1, {"accuracy": 0.5}) == tuple(
        facts[name] for name in ("chunks_done", "chunks_failed", "rows_scored", "rows_rejected", "metrics")
    )


@pytest.mark.parametrize(
    ("verdict", "state"),
    [(FAILED, JobState.FAILED), (JobVerdict(error_code=ErrorCode.GATE_MISSED, gate=Gate.MISSED), JobState.SUCCEEDED)],
)
def test_the_verdict_decides(desk: Desk, verdict: JobVerdict, state: JobState) -> None:
    """A missed gate is a success with a code."""
    job = desk.running(0)
    settled = desk.finish(job.id, verdict)
    assert (state, verdict.error_code, verdict.gate) == (settled.state, settled.error_code, settled.gate)


def test_a_finalizer_that_died_leaves_its_verdict_to_the_next(desk: Desk) -> None:
    """What is committed is carried out, not reached again."""
    job = desk.running(0)
    desk.arm(job.id)
    first = desk.claim(finalize_of(job.id))
    desk.run(lambda tx: jobs.begin_finalizing(tx, first, FAILED))
    desk.run(lambda tx: steps.take_over(tx, job.id))
    second = desk.claim(finalize_of(job.id))
    again = desk.run(lambda tx: jobs.begin_finalizing(tx, second, JobVerdict()))
    assert (JobState.FINALIZING, ErrorCode.CHUNKS_FAILED) == (again.state, again.error_code)
    with pytest.raises(LeaseLost):
        desk.run(lambda tx: jobs.settle(tx, first))
    with pytest.raises(LeaseLost):
        desk.run(lambda tx: jobs.begin_finalizing(tx, first, JobVerdict()))
    assert JobState.FAILED is desk.run(lambda tx: jobs.settle(tx, second)).state


def test_a_finalize_that_fails_for_good_fails_the_job(desk: Desk) -> None:
    """A full disk ends the job with the disk's code; `retry` makes it whole."""
    job = desk.running(1)
    desk.complete(job.id, 0)
    desk.arm(job.id)
    claim = desk.claim(finalize_of(job.id))
    desk.run(lambda tx: jobs.begin_finalizing(tx, claim, JobVerdict()))
    desk.run(lambda tx: steps.fail(tx, claim, RETRYABLE, 0))
    for _ in range(2):
        desk.fail(finalize_of(job.id), RETRYABLE)
    failed = desk.job(job.id)
    assert (JobState.FAILED, ErrorCode.STORAGE) == (failed.state, failed.error_code)
    desk.run(lambda tx: jobs.retry(tx, job.id))
    assert JobState.SUCCEEDED is desk.finish(job.id).state


def test_an_end_that_fails_too_is_said_beside_the_first_error(desk: Desk) -> None:
    """Of a failed job and of a cancelled one: without it nobody would know why finished parts are not public."""
    failed, cancelled = desk.running(0, max_failures=1), desk.submit(max_failures=1)
    desk.arm(failed.id)
    claim = desk.claim(finalize_of(failed.id))
    desk.run(lambda tx: jobs.begin_finalizing(tx, claim, FAILED))
    desk.run(lambda tx: steps.fail(tx, claim, RETRYABLE, 0))
    desk.run(lambda tx: jobs.cancel(tx, cancelled.id))
    desk.fail(finalize_of(cancelled.id), RETRYABLE)
    too = "; and its files are not in order (storage): the disk is full"
    ended = [desk.job(job.id) for job in (failed, cancelled)]
    assert [ErrorCode.CHUNKS_FAILED, ErrorCode.CANCELLED] == [job.error_code for job in ended]
    assert [f"1 of 2 chunks failed{too}", f"cancelled on request{too}"] == [job.error for job in ended]


@pytest.mark.parametrize("claimed", [False, True], ids=["accepted", "running"])
def test_cancel_ends_the_job_at_once(desk: Desk, claimed: bool) -> None:
    """Live steps go with it; finalize is due, to publish what is finished."""
    job = desk.submit()
    if claimed:
        desk.split_into(job.id, 3, end=False)
        desk.complete(job.id, 0)
        desk.claim(score_of(job.id, 1))
    assert CancelResult.CANCELLED is desk.run(lambda tx: jobs.cancel(tx, job.id))
    cancelled = desk.job(job.id)
    assert (JobState.CANCELLED, ErrorCode.CANCELLED) == (cancelled.state, cancelled.error_code)
    live = desk.ledger.look(lambda tx: steps.open_steps(tx, job.id))
    assert [finalize_of(job.id)] == [step.id for step in live]
    assert JobState.CANCELLED is desk.finish(job.id).state
    assert [] == desk.ledger.look(lambda tx: steps.open_steps(tx, job.id))
    assert int(claimed) == desk.ledger.look(lambda tx: reports.job_progress(tx, job.id))["chunks_done"]


def test_cancel_comes_too_late_once_the_verdict_stands(desk: Desk) -> None:
    """And finds a settled job settled."""
    job = desk.running(0)
    desk.arm(job.id)
    claim = desk.claim(finalize_of(job.id))
    desk.run(lambda tx: jobs.begin_finalizing(tx, claim, JobVerdict()))
    assert CancelResult.TOO_LATE is desk.run(lambda tx: jobs.cancel(tx, job.id))
    desk.run(lambda tx: jobs.settle(tx, claim))
    assert CancelResult.SETTLED is desk.run(lambda tx: jobs.cancel(tx, job.id))
    assert JobState.SUCCEEDED is desk.job(job.id).state


def test_a_cancel_before_the_verdict_wins_over_it(desk: Desk) -> None:
    """The finalizer is told the state that counts."""
    job = desk.running(0)
    desk.arm(job.id)
    claim = desk.claim(finalize_of(job.id))
    desk.run(lambda tx: jobs.cancel(tx, job.id))
    assert JobState.CANCELLED is desk.run(lambda tx: jobs.begin_finalizing(tx, claim, JobVerdict())).state
    assert JobState.CANCELLED is desk.run(lambda tx: jobs.settle(tx, claim)).state


def test_the_first_error_stands(desk: Desk) -> None:
    """A job that was stopped fails for what stopped it, whatever comes later."""
    job = desk.running(1)
    desk.run(lambda tx: jobs.stop(tx, job.id, ErrorCode.INPUT_CHANGED, "it was replaced"))
    desk.run(lambda tx: jobs.stop(tx, job.id, ErrorCode.TOO_MANY_REJECTS, "and was bad"))
    settled = desk.finish(job.id, FAILED)
    assert (JobState.FAILED, ErrorCode.INPUT_CHANGED, "it was replaced") == (
        settled.state,
        settled.error_code,
        settled.error,
    )


@pytest.mark.parametrize(
    ("limit", "rejected", "split_ended", "at_most", "stopped"),
    [
        (RejectLimit(rows=2), 2, True, None, False),  # exactly the limit is allowed
        (RejectLimit(rows=2), 3, False, None, True),  # a count stops the job at once
        (RejectLimit(fraction=0.1), 3, False, None, False),  # a share waits for the total …
        (RejectLimit(fraction=0.1), 3, False, 30, False),
        (RejectLimit(fraction=0.1), 3, False, 29, True),  # … unless no total can make it small enough
        (RejectLimit(fraction=0.1), 3, True, 99, True),
        (RejectLimit(fraction=0.1), 2, True, None, False),
        (RejectLimit(fraction=0.0), 1, False, None, True),
    ],
)
def test_too_many_rejects_stop_the_job(
    desk: Desk, limit: RejectLimit, rejected: int, split_ended: bool, at_most: int | None, stopped: bool
) -> None:
    """As many as the limit are allowed, and not one more."""
    job = desk.submit(options=JobOptions(max_rejected=limit))
    desk.split_into(job.id, 2, end=split_ended)
    desk.complete(job.id, 0, scored=10 - rejected, rejected=rejected)
    assert stopped is desk.run(lambda tx: jobs.stop_over_limit(tx, job.id, at_most=at_most, first="row 7"))
    assert stopped is ("row 7" in str(desk.job(job.id).error))
    assert (ErrorCode.TOO_MANY_REJECTS if stopped else None) == desk.job(job.id).error_code
    assert (StepState.CANCELLED if stopped else StepState.PENDING) is desk.step(score_of(job.id, 1)).state


def test_retry_opens_a_round_for_what_has_not_succeeded(desk: Desk) -> None:
    """FAILED → RUNNING: attempts go on, budgets are fresh, the good chunks stay."""
    job = desk.running(3)
    desk.complete(job.id, 0)
    desk.fail(score_of(job.id, 1), PERMANENT)
    desk.run(lambda tx: jobs.stop(tx, job.id, ErrorCode.INPUT_CHANGED, "it was replaced"))
    desk.finish(job.id)
    revived = desk.run(lambda tx: jobs.retry(tx, job.id))
    assert (JobState.RUNNING, 2, None, None) == (revived.state, revived.round, revived.error_code, revived.finished_at)
    states = [desk.step(score_of(job.id, number)).state for number in range(3)]
    assert [StepState.SUCCEEDED, StepState.PENDING, StepState.PENDING] == states
    assert (2, 0) == (desk.claim(score_of(job.id, 1)).attempt, desk.step(score_of(job.id, 1)).failures)
    assert not desk.arm(job.id)


def test_retry_lets_an_unfinished_split_go_on(desk: Desk) -> None:
    """It had failed; its chunks and its position stand."""
    job = desk.submit()
    claim = desk.split_into(job.id, 1, end=False)
    desk.run(lambda tx: steps.fail(tx, claim, PERMANENT, 0))
    desk.finish(job.id)
    desk.run(lambda tx: jobs.retry(tx, job.id))
    again = desk.claim(split_of(job.id))
    assert (2, 0) == (again.attempt, again.failures)


@pytest.mark.parametrize("state", ["accepted", "running", "cancelled", "succeeded"])
def test_only_a_failed_job_can_be_retried(desk: Desk, state: str) -> None:
    """Anything else is said in words."""
    job = desk.submit()
    if state != "accepted":
        desk.split_into(job.id, 0)
    if state == "cancelled":
        desk.run(lambda tx: jobs.cancel(tx, job.id))
    if state == "succeeded":
        desk.finish(job.id)
    with pytest.raises(UsageError, match=state):
        desk.run(lambda tx: jobs.retry(tx, job.id))


def test_a_zombie_of_the_last_round_stays_out(desk: Desk) -> None:
    """Attempts rise over rounds, so an old claim never fits again."""
    job = desk.running(1)
    zombie = desk.claim(score_of(job.id, 0))
    desk.run(lambda tx: jobs.stop(tx, job.id, ErrorCode.INPUT_CHANGED, "it was replaced"))
    desk.finish(job.id)
    desk.run(lambda tx: jobs.retry(tx, job.id))
    desk.claim(score_of(job.id, 0))
    with pytest.raises(LeaseLost):
        desk.run(lambda tx: steps.complete_chunk(tx, zombie, part(0)))


def test_figures_of_a_round_replace_those_before(desk: Desk) -> None:
    """A retried job has one figure per metric."""
    job = desk.running(0)
    for value, verdict in ((0.25, FAILED), (0.75, JobVerdict())):
        desk.arm(job.id)
        claim = desk.claim(finalize_of(job.id))
        figure = [Figure(metric="accuracy", value=value, rows=4, coverage=1.0)]
        desk.run(lambda tx, c=claim, v=verdict, f=figure: jobs.begin_finalizing(tx, c, v, f))  # type: ignore[misc]
        settled = desk.run(lambda tx, c=claim: jobs.settle(tx, c))  # type: ignore[misc]
        if settled.state is JobState.FAILED:
            desk.run(lambda tx: jobs.retry(tx, job.id))
    assert [0.75] == [row["value"] for row in desk.ledger.look(lambda tx: reports.job_figures(tx, job.id))]
