"""Steps whose worker is gone come back: when the lease has run out, or at once where its death is known."""

from typing import Any

from sqlalchemy import Row, Select, null, select, text, update

from scoring.core.errors import LeaseLost, WorkerLost
from scoring.core.ids import JobId, StepId
from scoring.core.outcome import Outcome, judge
from scoring.core.states import StepKind
from scoring.ledger.attempts import lock_job
from scoring.ledger.clock import instant, now_us
from scoring.ledger.database import Tx
from scoring.ledger.failure import fail
from scoring.ledger.records import FLEET, Claim
from scoring.ledger.step_rows import step_id
from scoring.ledger.tables import jobs, steps

_MAX_FAILURES = select(jobs.c.max_failures).where(jobs.c.job_id == steps.c.job_id).scalar_subquery()

_LEASED = select(
    steps.c.job_id,
    steps.c.kind,
    steps.c.chunk,
    steps.c.attempt,
    steps.c.failures,
    steps.c.worker,
    steps.c.started_at,
    _MAX_FAILURES.label("max_failures"),
).where(steps.c.lease_until.is_not(None))


def rescue_expired(tx: Tx, *, scope: JobId | None = None, limit: int = 200) -> list[StepId]:
    """RUNNING with a lease that has run out → RETRYING, due at once, or FAILED; `worker_lost` counts as a failure.

    scope: one job; None: all of the fleet. Several schedulers may call it: each step is rescued once. The waiting has
    been done already, a whole lease of it, so there is no further pause.
    """
    mine = steps.c.runner == FLEET if scope is None else steps.c.job_id == scope
    expired = _LEASED.where(mine, steps.c.lease_until < now_us()).order_by(steps.c.lease_until).limit(limit)
    # Jobs before chunks: a job's own steps lock its row, so they come first, and unlocked until then.
    of_jobs = expired.where(steps.c.kind != StepKind.SCORE.value)
    of_chunks = expired.where(steps.c.kind == StepKind.SCORE.value).with_for_update(skip_locked=True, of=steps)
    return _rescue(tx, of_jobs, only_expired=True) + _rescue(tx, of_chunks, only_expired=True)


def take_over(tx: Tx, job_id: JobId, *, charged: bool = True) -> list[StepId]:
    """All RUNNING steps of a job whose owner is known to be dead → RETRYING or FAILED; nothing is rung.

    charged: the death counts against their budgets. False where a person goes on with what was killed, as often as they
    like: then each of them is RETRYING.
    """
    lock_job(tx, job_id)
    rescued = _rescue(tx, _LEASED.where(steps.c.job_id == job_id), only_expired=False, charged=charged)
    rung = update(steps).where(steps.c.job_id == job_id, steps.c.rung_at.is_not(None))
    tx.execute(rung.values(rung_at=null(), rings=0))
    tx.execute(update(jobs).where(jobs.c.job_id == job_id).values(working_since=now_us()))
    return rescued


def server_start(tx: Tx) -> str:
    """Names the present life of the server: a lease that ran out across a restart proves nothing. "" for SQLite."""
    if tx.dialect.name == "sqlite":
        return ""
    return str(tx.scalar(text("SELECT pg_postmaster_start_time()")))


def _rescue(tx: Tx, candidates: Select[Any], *, only_expired: bool, charged: bool = True) -> list[StepId]:
    # In one order for all, so that two rescuers never hold what the other waits for.
    rows = sorted(tx.execute(candidates).all(), key=lambda row: (row.job_id, row.kind, row.chunk))
    return [step_id(row) for row in rows if _lose(tx, row, only_expired=only_expired, charged=charged)]


def _lose(tx: Tx, row: Row[Any], *, only_expired: bool, charged: bool) -> bool:
    claim = Claim(
        step=step_id(row),
        attempt=row.attempt,
        failures=row.failures,
        max_failures=row.max_failures,
        worker=row.worker,
        started_at=instant(row.started_at),
    )
    try:
        fail(tx, claim, _lost(row.worker), 0, only_expired=only_expired, charged=charged)
    except LeaseLost:  # it has moved since we looked
        return False
    return True


def _lost(worker: str) -> Outcome:
    return judge(WorkerLost(f"worker {worker} was lost", expected="a heartbeat within the lease", got="none"))
