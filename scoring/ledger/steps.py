"""The life of a step: claim, keep, hand back, fail, complete. Split, score and finalize share every move."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, exists, func, null, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from scoring.core.accuracy.figure import Figure
from scoring.core.chunks import Part
from scoring.core.errors import ErrorCode, NotFound
from scoring.core.ids import JobId, StepId
from scoring.core.states import JobState, StepKind, StepState
from scoring.ledger.attempts import COMPLETED, OWN, Ending, end_attempt, key, lock_job, was_claimed
from scoring.ledger.clock import instant, now_us
from scoring.ledger.commit import record_part
from scoring.ledger.database import Tx
from scoring.ledger.failure import fail
from scoring.ledger.records import FLEET, AttemptEnd, Claim, Step
from scoring.ledger.rescue import rescue_expired, server_start, take_over
from scoring.ledger.revisions import IS_CURRENT, require_still
from scoring.ledger.step_rows import STEP, step_of, step_values
from scoring.ledger.tables import attempts, chunks, jobs, steps
from scoring.ledger.waiting import arm_finalize, unpark_split

__all__ = [
    "arm_finalize",
    "claim",
    "complete_chunk",
    "complete_split",
    "extend",
    "fail",
    "open_steps",
    "release",
    "rescue_expired",
    "server_start",
    "step",
    "take_over",
    "unpark_split",
    "was_claimed",
    "was_committed",
]

_JOB_STATES: dict[StepKind, tuple[JobState, ...]] = {
    StepKind.SPLIT: (JobState.ACCEPTED, JobState.RUNNING),
    StepKind.SCORE: (JobState.ACCEPTED, JobState.RUNNING),
    # Cancelled and failed jobs too: their finished parts are published.
    StepKind.FINALIZE: (
        JobState.ACCEPTED,
        JobState.RUNNING,
        JobState.FINALIZING,
        JobState.FAILED,
        JobState.CANCELLED,
    ),
}

# By parameter: in a RETURNING clause SQLite would look for the row's own id in the whole table.
_MAX_FAILURES = select(jobs.c.max_failures).where(jobs.c.job_id == bindparam("p_job")).scalar_subquery()


def _claim_statement(kind: StepKind) -> ReturningUpdate[Any]:
    states = [state.value for state in _JOB_STATES[kind]]
    fits = exists().where(
        jobs.c.job_id == steps.c.job_id, jobs.c.state.in_(states), jobs.c.max_failures > steps.c.failures
    )
    return (
        update(steps)
        .where(STEP, steps.c.state.in_([StepState.PENDING.value, StepState.RETRYING.value]))
        .where(steps.c.due_at <= now_us(), fits, IS_CURRENT)
        .values(
            state=StepState.RUNNING.value,
            attempt=steps.c.attempt + 1,
            worker=bindparam("p_worker", type_=Text),
            lease_until=now_us() + bindparam("p_lease_us", type_=BigInteger),
            started_at=now_us(),
            due_at=null(),
            rung_at=null(),
            rings=0,
            error_code=null(),
            error=null(),
        )
        .returning(steps.c.attempt, steps.c.failures, steps.c.started_at, _MAX_FAILURES.label("max_failures"))
    )


_CLAIM = {kind: _claim_statement(kind) for kind in StepKind}
_FLEET_CLAIM = {kind: statement.where(steps.c.runner == FLEET) for kind, statement in _CLAIM.items()}

_START_JOB = (
    update(jobs)
    .where(jobs.c.job_id == bindparam("p_job"), jobs.c.state == JobState.ACCEPTED.value)
    .values(state=JobState.RUNNING.value, started_at=now_us(), working_since=now_us())
)

_COMPLETED = select(attempts.c.attempt).where(
    attempts.c.job_id == bindparam("p_job"),
    attempts.c.kind == bindparam("p_kind"),
    attempts.c.chunk == bindparam("p_chunk"),
    attempts.c.attempt == bindparam("p_attempt"),
    attempts.c.outcome == AttemptEnd.COMPLETED.value,
)

_EXTEND = update(steps).where(OWN).values(lease_until=now_us() + bindparam("p_lease_us", type_=BigInteger))


def claim(tx: Tx, step: StepId, worker: str, lease_seconds: float, *, fleet: bool = False) -> Claim | None:
    """PENDING, RETRYING → RUNNING under a new attempt number, and the job ACCEPTED → RUNNING with its first claim.

    fleet: the claim is a deployed worker's, which may be rung by anybody and has submitted jobs alone to work on.
    None where there is nothing to claim: not due, in other hands, out of budget, or the job's state forbids it.
    Raises RevisionDiffers where the ledger was upgraded since this process opened it.
    """
    if step.kind is not StepKind.SCORE:
        lock_job(tx, step.job_id)
    values = {**step_values(step), "p_worker": worker, "p_lease_us": int(lease_seconds * 1e6)}
    row = tx.execute((_FLEET_CLAIM if fleet else _CLAIM)[step.kind], values).one_or_none()
    if row is None:
        require_still(tx)
        return None
    if step.kind is not StepKind.SCORE:  # score steps exist only after a split was claimed
        tx.execute(_START_JOB, {"p_job": step.job_id})
    return Claim(
        step=step,
        attempt=row.attempt,
        failures=row.failures,
        max_failures=row.max_failures,
        worker=worker,
        started_at=instant(row.started_at),
    )


def extend(tx: Tx, claim: Claim, lease_seconds: float) -> bool:
    """RUNNING stays RUNNING for another lease from now. False where the claim no longer owns the step."""
    return tx.execute(_EXTEND, {**key(claim), "p_lease_us": int(lease_seconds * 1e6)}).rowcount == 1


def release(tx: Tx, claim: Claim, *, due_in_seconds: float | None = 0, code: ErrorCode | None = None) -> None:
    """RUNNING → PENDING, no failure counted. Due again after a pause; None parks it. Raises LeaseLost."""
    released = Ending(state=StepState.PENDING, end=AttemptEnd.RELEASED, code=code, pause_seconds=due_in_seconds)
    end_attempt(tx, claim, released)


def complete_chunk(tx: Tx, claim: Claim, part: Part, metrics: Sequence[Figure] = ()) -> None:
    """RUNNING → SUCCEEDED of a score step, with its part: this commit decides which attempt has won.

    Raises LeaseLost: then remove the attempt's own staged files, and nothing else. AccountingBroken.
    """
    end_attempt(tx, claim, COMPLETED)
    record_part(tx, claim, part, metrics)


def complete_split(tx: Tx, claim: Claim, rows_total: int) -> None:
    """RUNNING → SUCCEEDED of the split; the job's totals are known from here on. Raises LeaseLost.

    rows_total: rows that the reader of the input has counted, rejects included.
    """
    job_id = claim.step.job_id
    lock_job(tx, job_id)
    end_attempt(tx, claim, COMPLETED)
    count = select(func.coalesce(func.max(chunks.c.chunk) + 1, 0)).where(chunks.c.job_id == job_id).scalar_subquery()
    tx.execute(update(jobs).where(jobs.c.job_id == job_id).values(rows_total=rows_total, chunks_total=count))


def was_committed(tx: Tx, claim: Claim) -> bool:
    """Whether this very attempt has completed its step: the question after a commit whose answer was lost."""
    return tx.execute(_COMPLETED, key(claim)).one_or_none() is not None


def step(tx: Tx, step_id: StepId) -> Step:
    """The step as it stands. Raises NotFound."""
    row = tx.execute(select(steps).where(STEP), step_values(step_id)).one_or_none()
    if row is None:
        raise NotFound(f"no step {step_id}", expected="a step that the ledger has recorded")
    return step_of(row)


def open_steps(tx: Tx, job_id: JobId, *, limit: int = 1_000) -> list[Step]:
    """Live steps of a job, those of the lowest chunks first."""
    live = select(steps).where(steps.c.job_id == job_id, steps.c.finished_at.is_(None))
    return [step_of(row) for row in tx.execute(live.order_by(steps.c.chunk, steps.c.kind).limit(limit))]
