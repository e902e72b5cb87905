"""A failed attempt, whoever says so: the worker itself, or the scheduler that finds its lease run out."""

from scoring.core.errors import ErrorCode
from scoring.core.outcome import Outcome, Verdict
from scoring.core.states import StepKind, StepState
from scoring.ledger.attempts import Ending, end_attempt, lock_job
from scoring.ledger.database import Tx
from scoring.ledger.records import AttemptEnd, Claim
from scoring.ledger.verdicts import fail_finalize, stop


def fail(tx: Tx, claim: Claim, outcome: Outcome, backoff_seconds: float, *, only_expired: bool = False) -> StepState:
    """RUNNING → RETRYING, or FAILED where the error is permanent or the budget is spent. Returns which.

    A split that fails stops the job, a finalize that fails fails it; a failed chunk stops nobody. Raises LeaseLost.
    """
    if outcome.verdict not in (Verdict.RETRYABLE, Verdict.PERMANENT):
        raise ValueError(f"{outcome.verdict} is no failure")
    permanent = outcome.verdict is Verdict.PERMANENT
    spent = outcome.charged and claim.failures + 1 >= claim.max_failures
    state = StepState.FAILED if permanent or spent else StepState.RETRYING
    job = lock_job(tx, claim.step.job_id) if claim.step.kind is not StepKind.SCORE else None
    code = outcome.code or ErrorCode.INTERNAL
    ending = Ending(
        state=state,
        end=AttemptEnd.PERMANENT if permanent else AttemptEnd.RETRYABLE,
        code=code,
        error=outcome.error,
        pause_seconds=backoff_seconds if state is StepState.RETRYING else None,
        charged=outcome.charged,
    )
    end_attempt(tx, claim, ending, only_expired=only_expired)
    if state is StepState.FAILED and job is not None:
        if claim.step.kind is StepKind.SPLIT:
            stop(tx, claim.step.job_id, code, outcome.error)
        else:
            fail_finalize(tx, claim.step.job_id, job, code, outcome.error)
    return state
