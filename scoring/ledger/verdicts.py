"""How jobs end, and how a failed one is revived. Every move takes the job's row first, its steps after."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Update, case, exists, func, insert, literal, null, select, update
from sqlalchemy.exc import IntegrityError

from scoring.core.accuracy.figure import Figure
from scoring.core.errors import ErrorCode, UsageError
from scoring.core.ids import JobId
from scoring.core.outcome import clean
from scoring.core.states import JobState, StepKind, StepState
from scoring.ledger.attempts import COMPLETED, end_attempt, lock_job, require_owner
from scoring.ledger.clock import now_us
from scoring.ledger.database import Tx
from scoring.ledger.figures import INPUT_LABELS, forget_figures, remember_figures, replace_figures
from scoring.ledger.job_rows import read_job
from scoring.ledger.output_claims import holder, refused
from scoring.ledger.parts import rejected_rows
from scoring.ledger.records import AttemptEnd, CancelResult, Claim, Job, JobVerdict
from scoring.ledger.result_target import require_whole
from scoring.ledger.tables import attempts, jobs, parts, steps

_WORK = steps.c.kind.in_([StepKind.SPLIT.value, StepKind.SCORE.value])


def cancel(tx: Tx, job_id: JobId) -> CancelResult:
    """ACCEPTED, RUNNING → CANCELLED: live split and score steps too; finalize is due, to publish what is finished."""
    state = lock_job(tx, job_id)
    if state.settled:
        return CancelResult.SETTLED
    if state is JobState.FINALIZING:
        return CancelResult.TOO_LATE
    tx.execute(
        _job(job_id, JobState.ACCEPTED, JobState.RUNNING).values(
            state=JobState.CANCELLED.value,
            finished_at=now_us(),
            error_code=ErrorCode.CANCELLED.value,
            error="cancelled on request",
        )
    )
    _cancel_steps(tx, job_id)
    waiting = _steps(job_id, steps.c.kind == StepKind.FINALIZE.value, steps.c.due_at.is_(None))
    tx.execute(waiting.where(steps.c.state == StepState.PENDING.value).values(due_at=now_us()))
    return CancelResult.CANCELLED


def stop(tx: Tx, job_id: JobId, code: ErrorCode, error: str) -> None:
    """Give up a job before its end: its first error is recorded, live split and score steps → CANCELLED.

    The job stays RUNNING until its finalize step, now armed by `arm_finalize`, has settled it. From FINALIZING on, and
    where an error stands already, nothing changes.
    """
    if lock_job(tx, job_id) not in (JobState.ACCEPTED, JobState.RUNNING):
        return
    tx.execute(
        _job(job_id, JobState.ACCEPTED, JobState.RUNNING)
        .where(jobs.c.error_code.is_(None))
        .values(error_code=code.value, error=clean(error))
    )
    _cancel_steps(tx, job_id)


def begin_finalizing(tx: Tx, claim: Claim, verdict: JobVerdict, metrics: Sequence[Figure] = ()) -> Job:
    """RUNNING → FINALIZING: the verdict and the figures stand from here on, and `cancel` is too late.

    Returns the job as it then is. Where it was finalizing, cancelled or failed already nothing changes, and the
    recorded verdict is the one to carry out. Raises LeaseLost.
    """
    job_id = claim.step.job_id
    state = lock_job(tx, job_id)
    require_owner(tx, claim)
    if state is JobState.RUNNING:
        error = None if verdict.error is None else clean(verdict.error)
        first = jobs.c.error_code.is_(None)
        tx.execute(
            _job(job_id, JobState.RUNNING).values(
                state=JobState.FINALIZING.value,
                error_code=case((first, verdict.error_code and verdict.error_code.value), else_=jobs.c.error_code),
                error=case((first, error), else_=jobs.c.error),
                gate=verdict.gate and verdict.gate.value,
            )
        )
        replace_figures(tx, job_id, metrics)
        if any(figure.rows for figure in metrics):
            remember_figures(tx, job_id, INPUT_LABELS, metrics)
    return read_job(tx, job_id)


def settle(tx: Tx, claim: Claim) -> Job:
    """FINALIZING → SUCCEEDED, or FAILED where the verdict bears an error; the finalize step → SUCCEEDED.

    Of a job that was cancelled or failed before only the step moves. Totals are stored, the output is given back.
    Raises LeaseLost.
    """
    job_id = claim.step.job_id
    state = lock_job(tx, job_id)
    end_attempt(tx, claim, COMPLETED)
    good = jobs.c.error_code.is_(None) | (jobs.c.error_code == ErrorCode.GATE_MISSED.value)
    end = case((good, JobState.SUCCEEDED.value), else_=JobState.FAILED.value)
    _close(tx, job_id, state, {"state": end} if state is JobState.FINALIZING else {})
    return read_job(tx, job_id)


def fail_finalize(tx: Tx, job_id: JobId, state: JobState, code: ErrorCode, error: str) -> None:
    """RUNNING, FINALIZING → FAILED, because its finalize step has failed for good. The caller holds the job's row.

    An error that stands already, also of a cancelled job, stays the first and bears this one at its end.
    """
    both = func.coalesce(jobs.c.error, "") + clean(f"; and its files are not in order ({code}): {error}")
    if state.settled:
        _close(tx, job_id, state, {"error": both})
        return
    good = jobs.c.error_code.is_(None) | (jobs.c.error_code == ErrorCode.GATE_MISSED.value)
    verdict = {
        "state": JobState.FAILED.value,
        "error_code": case((good, code.value), else_=jobs.c.error_code),
        "error": case((good, clean(error)), else_=both),
    }
    _close(tx, job_id, state, verdict)


def retry(tx: Tx, job_id: JobId) -> Job:
    """FAILED → RUNNING, a new round: failed and cancelled steps → PENDING with a fresh budget, finalize waits again.

    Attempts go on rising, and what has succeeded stays. Raises UsageError where the job is not failed, OutputTaken
    where another live job has taken its output meanwhile, or its result table is another one.
    """
    state = lock_job(tx, job_id)
    before = read_job(tx, job_id)
    if state is not JobState.FAILED:
        raise UsageError(
            f"job {job_id} cannot be retried",
            expected="a failed job",
            got=f"a job that is {state}",
            remedy=_HINT[state],
        )
    if before.purged_at is not None:
        raise UsageError(
            f"job {job_id} cannot be retried",
            expected="a job that still has its rows",
            got="one that retention has taken",
            remedy="submit it again",
        )
    require_whole(tx, before)
    held_by = holder(tx, before.output)
    if held_by is not None:
        raise refused(before.output, held_by)
    try:
        tx.execute(_job(job_id, JobState.FAILED).values(**_REVIVED))
    except IntegrityError as error:  # another job took the output since we looked
        raise refused(before.output, None) from error
    replace_figures(tx, job_id, ())
    forget_figures(tx, job_id, INPUT_LABELS)
    ended = steps.c.state.in_([StepState.FAILED.value, StepState.CANCELLED.value])
    tx.execute(_steps(job_id, _WORK, ended).values(**_FRESH, due_at=now_us()))
    tx.execute(_steps(job_id, steps.c.kind == StepKind.FINALIZE.value).values(**_FRESH, due_at=null()))
    return read_job(tx, job_id)


_HINT = {
    JobState.ACCEPTED: "it has not begun yet",
    JobState.RUNNING: "wait for its end",
    JobState.FINALIZING: "wait for its end",
    JobState.SUCCEEDED: "there is nothing to do",
    JobState.CANCELLED: "cancelled is final; submit the job again",
    JobState.FAILED: "",
}

_REVIVED: dict[str, Any] = {
    "state": JobState.RUNNING.value,
    "round": jobs.c.round + 1,
    "working_since": now_us(),
    "output_held": True,
    **dict.fromkeys(
        ("finished_at", "error_code", "error", "gate", "chunks_done", "chunks_failed", "rows_scored", "rows_rejected"),
        null(),
    ),
}

_FRESH: dict[str, Any] = {
    "state": StepState.PENDING.value,
    "failures": 0,
    "rings": 0,
    **dict.fromkeys(("lease_until", "rung_at", "finished_at", "error_code", "error"), null()),
}


def _job(job_id: JobId, *states: JobState) -> Update:
    return update(jobs).where(jobs.c.job_id == job_id, jobs.c.state.in_([state.value for state in states]))


def _steps(job_id: JobId, *conditions: Any) -> Update:
    return update(steps).where(steps.c.job_id == job_id, *conditions)


def _cancel_steps(tx: Tx, job_id: JobId) -> None:
    cancelled = StepState.CANCELLED.value
    tx.execute(
        _steps(job_id, _WORK, steps.c.finished_at.is_(None)).values(
            state=cancelled, lease_until=null(), due_at=null(), rung_at=null(), rings=0, finished_at=now_us()
        )
    )
    # An attempt without a row was running until now. Asked only after the update, whose locks keep owners away.
    known = exists().where(
        attempts.c.job_id == steps.c.job_id,
        attempts.c.kind == steps.c.kind,
        attempts.c.chunk == steps.c.chunk,
        attempts.c.attempt == steps.c.attempt,
    )
    names = ["job_id", "kind", "chunk", "attempt", "worker", "started_at"]
    running = select(
        *(steps.c[name] for name in names), now_us().label("ended_at"), literal(AttemptEnd.CANCELLED.value)
    ).where(steps.c.job_id == job_id, steps.c.state == cancelled, steps.c.attempt > 0, ~known)
    tx.execute(insert(attempts).from_select([*names, "ended_at", "outcome"], running))


def _close(tx: Tx, job_id: JobId, state: JobState, verdict: dict[str, Any]) -> None:
    """Give the output back and store the totals that a settled job carries."""
    end = {} if state.settled else {"finished_at": now_us()}
    done = select(func.count()).where(parts.c.job_id == job_id)
    failed = select(func.count()).where(
        steps.c.job_id == job_id, steps.c.kind == StepKind.SCORE.value, steps.c.state == StepState.FAILED.value
    )
    scored = select(func.coalesce(func.sum(parts.c.rows_scored), 0)).where(parts.c.job_id == job_id)
    tx.execute(
        _job(job_id, state).values(
            output_held=False,
            chunks_done=done.scalar_subquery(),
            chunks_failed=failed.scalar_subquery(),
            rows_scored=scored.scalar_subquery(),
            rows_rejected=rejected_rows(tx, job_id),
            **verdict,
            **end,
        )
    )
