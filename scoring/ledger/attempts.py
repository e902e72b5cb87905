"""The end of an attempt, whatever it is: one guarded UPDATE of the step, one row in `attempts`."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Boolean, Integer, Text, bindparam, case, insert, null, select, update

from scoring.core.errors import ErrorCode, LeaseLost, NotFound
from scoring.core.ids import JobId
from scoring.core.outcome import clean
from scoring.core.states import JobState, StepState
from scoring.ledger.clock import microseconds, now_us
from scoring.ledger.database import Tx
from scoring.ledger.records import AttemptEnd, Claim
from scoring.ledger.step_rows import STEP, step_values
from scoring.ledger.tables import attempts, jobs, steps

OWN = STEP & (steps.c.state == StepState.RUNNING.value) & (steps.c.attempt == bindparam("p_attempt"))
"""The guard of everything that the owner of a claim does: id, state, attempt."""

_END = (
    update(steps)
    .where(OWN)
    .values(
        state=bindparam("p_state", type_=Text),
        failures=steps.c.failures + bindparam("p_failed", type_=Integer),
        lease_until=null(),
        due_at=now_us() + bindparam("p_pause_us", type_=BigInteger),
        rung_at=null(),
        rings=0,
        finished_at=case((bindparam("p_settled", type_=Boolean), now_us()), else_=null()),
        error_code=bindparam("p_code", type_=Text),
        error=bindparam("p_error", type_=Text),
    )
    .returning(steps.c.started_at)
)

_END_EXPIRED = _END.where(steps.c.lease_until < now_us())

_RECORD = insert(attempts).values(
    job_id=bindparam("p_job"),
    kind=bindparam("p_kind"),
    chunk=bindparam("p_chunk"),
    attempt=bindparam("p_attempt"),
    worker=bindparam("p_worker"),
    started_at=bindparam("p_started_us"),
    ended_at=now_us(),
    outcome=bindparam("p_outcome"),
    error_code=bindparam("p_code"),
    error=bindparam("p_error"),
)

_STATE = select(jobs.c.state).where(jobs.c.job_id == bindparam("p_job"))
_LOCK_JOB = _STATE.with_for_update(key_share=True)
_SHARE_JOB = _STATE.with_for_update(read=True)
_OWNED = select(steps.c.attempt).where(OWN)
_CLAIMED = _OWNED.where(steps.c.started_at == bindparam("p_started_us"))


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How an attempt ends, and what becomes of its step."""

    state: StepState
    end: AttemptEnd
    code: ErrorCode | None = None
    error: str | None = None
    # Until the step is due again; None: another move will make it due, or none.
    pause_seconds: float | None = None
    # False: a failed end that counts against no budget.
    charged: bool = True


COMPLETED = Ending(state=StepState.SUCCEEDED, end=AttemptEnd.COMPLETED)


def lock_job(tx: Tx, job_id: JobId) -> JobState:
    """Take the job's row until the transaction ends; returns its state. Always before any of its steps."""
    return _state(tx.execute(_LOCK_JOB, {"p_job": job_id}).scalar_one_or_none(), job_id)


def share_job(tx: Tx, job_id: JobId) -> JobState:
    """Keep the job from moving until the transaction ends; returns its state."""
    return _state(tx.execute(_SHARE_JOB, {"p_job": job_id}).scalar_one_or_none(), job_id)


def require_owner(tx: Tx, claim: Claim) -> None:
    """Raise LeaseLost unless the claim owns its step. For callers that hold the job's row: then it stays so."""
    if tx.execute(_OWNED, key(claim)).one_or_none() is None:
        raise lease_lost(claim)


def was_claimed(tx: Tx, claim: Claim) -> bool:
    """Whether this very claim was committed and stands: the question after a commit whose answer was lost."""
    values = {**key(claim), "p_started_us": microseconds(claim.started_at)}
    return tx.execute(_CLAIMED, values).one_or_none() is not None


def end_attempt(tx: Tx, claim: Claim, ending: Ending, *, only_expired: bool = False) -> None:
    """Running → the ending's state, and the attempt's row. Raises LeaseLost where the claim no longer owns the step.

    only_expired: nor where its lease has not run out.
    """
    error = None if ending.error is None else clean(ending.error)
    words = {"p_code": ending.code and ending.code.value, "p_error": error}
    values = {
        **key(claim),
        **words,
        "p_state": ending.state.value,
        "p_failed": int(ending.end.failed and ending.charged),
        "p_pause_us": None if ending.pause_seconds is None else int(ending.pause_seconds * 1e6),
        "p_settled": not ending.state.live,
    }
    started_at = tx.execute(_END_EXPIRED if only_expired else _END, values).scalar_one_or_none()
    if started_at is None:
        raise lease_lost(claim)
    begun = {"p_worker": claim.worker, "p_started_us": started_at, "p_outcome": ending.end.value}
    tx.execute(_RECORD, {**key(claim), **words, **begun})


def key(claim: Claim) -> dict[str, object]:
    """Values of OWN."""
    return {**step_values(claim.step), "p_attempt": claim.attempt}


def lease_lost(claim: Claim) -> LeaseLost:
    return LeaseLost(
        f"{claim.step}: the claim no longer owns the step",
        expected=f"running, attempt {claim.attempt}",
        remedy="publish nothing; another attempt has the step, or the job was stopped",
    )


def _state(found: str | None, job_id: JobId) -> JobState:
    if found is None:
        raise NotFound(f"no job {job_id}", expected="a job of this ledger", remedy="check SCORING_DATABASE_URL")
    return JobState(found)
