"""Steps whose worker is gone come back: when the lease has run out, or at once where its death is known."""

from dataclasses import replace
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
    lost = _rescue(tx, _in_order(tx, of_jobs), only_expired=True)
    return lost + _rescue(tx, _in_order(tx, of_chunks), only_expired=True)


def take_over(tx: Tx, job_id: JobId, *, charged: bool = True) -> list[StepId]:
    """All RUNNING steps of a job whose owner is known to be dead → RETRYING or FAILED; nothing is rung.

    charged: the death counts against the budget of the step that was in hand alone. Of several nobody knows which of
    them it was: then, as where it does not count, each of them is RETRYING.
    """
    lock_job(tx, job_id)
    in_hand = _in_order(tx, _LEASED.where(steps.c.job_id == job_id))
    rescued = _rescue(tx, in_hand, only_expired=False, charged=charged and len(in_hand) == 1)
    rung = update(steps).where(steps.c.job_id == job_id, steps.c.rung_at.is_not(None))
    tx.execute(rung.values(rung_at=null(), rings=0))
    tx.execute(update(jobs).where(jobs.c.job_id == job_id).values(working_since=now_us()))
    return rescued


def server_start(tx: Tx) -> str:
    """Names the present life of the server: a lease that ran out across a restart proves nothing. "" for SQLite."""
    if tx.dialect.name == "sqlite":
        return ""
    return str(tx.scalar(text("SELECT pg_postmaster_start_time()")))


def _in_order(tx: Tx, candidates: Select[Any]) -> list[Row[Any]]:
    # In one order for all, so that two rescuers never hold what the other waits for.
    return sorted(tx.execute(candidates).all(), key=lambda row: (row.job_id, row.kind, row.chunk))


def _rescue(tx: Tx, rows: list[Row[Any]], *, only_expired: bool, charged: bool = True) -> list[StepId]:
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
        fail(tx, claim, replace(_lost(row.worker), charged=charged), 0, only_expired=only_expired)
    except LeaseLost:  # it has moved since we looked
        return False
    return True


def _lost(worker: str) -> Outcome:
    return judge(WorkerLost(f"worker {worker} was lost", expected="a heartbeat within the lease", got="none"))
