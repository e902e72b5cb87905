"""Steps that wait for something other than a time: finalize for the last chunk, a parked split for room on the disk."""

from sqlalchemy import BigInteger, bindparam, exists, literal_column, select, update

from scoring.core.ids import JobId
from scoring.core.states import JobState, StepKind, StepState
from scoring.ledger.clock import now_us
from scoring.ledger.database import Tx
from scoring.ledger.parts import UNSCORED
from scoring.ledger.tables import jobs, steps

_WAKE = (
    update(steps)
    .where(
        steps.c.job_id == bindparam("p_job"),
        steps.c.state == StepState.PENDING.value,
        steps.c.due_at.is_(None),
    )
    .values(due_at=now_us())
)

_live = steps.alias("live")

# Not EXISTS: without an order the planner may walk over all that is done to find the first that lives.
_not_finalize = _live.c.kind != literal_column(f"'{StepKind.FINALIZE}'")  # no parameter: the index says the same
_first_live = (
    select(_live.c.job_id)
    .where(_live.c.job_id == bindparam("p_job"), _live.c.finished_at.is_(None), _not_finalize)
    .order_by(_live.c.finished_at)
    .limit(1)
)

_ARM = _WAKE.where(
    steps.c.kind == StepKind.FINALIZE.value,
    exists().where(
        jobs.c.job_id == steps.c.job_id, jobs.c.state.in_([JobState.ACCEPTED.value, JobState.RUNNING.value])
    ),
    _first_live.scalar_subquery().is_(None),
)

_UNPARK = _WAKE.where(
    steps.c.kind == StepKind.SPLIT.value,
    UNSCORED.scalar_subquery() <= bindparam("p_low", type_=BigInteger),
)


def arm_finalize(tx: Tx, job_id: JobId) -> bool:
    """Make the finalize step due if the split and all chunks have settled; False where it is not time, or due already.

    Call it in a new transaction: two last chunks that commit together each see the other one still running.
    """
    return tx.execute(_ARM, {"p_job": job_id}).rowcount == 1


def unpark_split(tx: Tx, job_id: JobId, low_bytes: int) -> bool:
    """Make a parked split due once no more than `low_bytes` of chunk files wait; False where nothing changed."""
    return tx.execute(_UNPARK, {"p_job": job_id, "p_low": low_bytes}).rowcount == 1
