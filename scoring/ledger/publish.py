"""The one publisher: marks which due steps are rung now. The broker holds few messages, and every job gets its turn."""

from collections import Counter
from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, null, select, text, true, update

from scoring.core.ids import JobId, StepId
from scoring.core.states import Priority
from scoring.ledger import row_locks
from scoring.ledger.clock import now_us
from scoring.ledger.database import Tx
from scoring.ledger.records import FLEET
from scoring.ledger.step_rows import STEP, step_id, step_values
from scoring.ledger.tables import jobs, steps

MOST_PAUSE_SECONDS = 3_600
"""Longest pause between two rings of one step while the depth of the queue is unknown."""

_STOPPED_MILLISECONDS = 2_000
"""A publisher that lets its transaction lie for so long is stopped or gone."""

_RINGABLE = steps.c.due_at.is_not(None) & steps.c.rung_at.is_(None) & (steps.c.due_at <= now_us())

_IDS: Select[Any] = select(steps.c.job_id, steps.c.kind, steps.c.chunk)

_IN_ORDER = (steps.c.rung_at, steps.c.chunk)
"""`rung_at` is NULL in all of them: named, it leaves the planner no way but along the index of what may be rung."""

_DUE = _IDS.where(steps.c.job_id == bindparam("p_job"), _RINGABLE).order_by(*_IN_ORDER).limit(bindparam("p_limit"))

_MARK = update(steps).where(STEP, _RINGABLE).values(rung_at=now_us(), rings=steps.c.rings + 1)
_MARK_AGAIN = update(steps).where(STEP, steps.c.rung_at.is_not(None)).values(rung_at=now_us(), rings=steps.c.rings + 1)
_UNMARK = update(steps).where(STEP, steps.c.rung_at.is_not(None)).values(rung_at=null(), rings=0)


def publish_due(tx: Tx, *, scope: JobId | None, priority: Priority, window: int) -> list[StepId]:
    """Mark due steps as rung and return them, lowest chunks first; never more than `window` are rung and unclaimed.

    scope: one job; None: all of the fleet. Jobs with the fewest steps rung or running come first, then the oldest. The
    caller rings what it gets once the transaction is committed; `unring` takes back what could not be sent.
    """
    if rung(tx, priority, scope=scope) >= window:
        return []
    hungry = _jobs_with_due_steps(tx, scope, priority)
    # Before the lock: where nothing is due, nothing is written.
    if not hungry or (tx.dialect.name == "postgresql" and not _alone(tx, priority)):
        return []
    free = window - rung(tx, priority, scope=scope)
    chosen = _share_out(tx, hungry, _in_flight(tx, priority), free)
    if chosen:
        tx.execute(_MARK, [step_values(step) for step in chosen])
    return chosen


def _alone(tx: Tx, priority: Priority) -> bool:
    """Whether no other publisher is at this queue: two at once would fill its window twice.

    Nobody waits here, or a process that is stopped at this point would stop all others; for the same reason its
    session is ended soon. What is not rung now is rung by the other one, or at the next turn.
    """
    tx.execute(text(f"SET LOCAL idle_in_transaction_session_timeout = {_STOPPED_MILLISECONDS}"))
    return row_locks.try_to_take(tx, f"publisher:{priority}")


def unring(tx: Tx, rung_steps: Sequence[StepId]) -> None:
    """Take the marks back: the broker did not get the messages. Claimed steps are left alone."""
    if rung_steps:
        tx.execute(_UNMARK, [step_values(step) for step in rung_steps])


def rung(tx: Tx, priority: Priority, *, scope: JobId | None = None) -> int:
    """Steps that are rung and not yet claimed."""
    count = select(func.count()).select_from(steps)
    return int(tx.execute(count.where(_is_rung(priority, scope))).scalar_one())


def oldest_rung(tx: Tx, priority: Priority, limit: int, *, scope: JobId | None = None) -> list[StepId]:
    """The steps that were rung longest ago, marked as rung now: the caller rings them again."""
    query = _IDS.where(_is_rung(priority, scope))
    found = [step_id(row) for row in tx.execute(query.order_by(steps.c.rung_at).limit(limit))]
    return _mark_again(tx, found)


def overdue_rung(tx: Tx, priority: Priority, lease_seconds: float, *, scope: JobId | None = None) -> list[StepId]:
    """Steps to ring again while the depth of the queue is unknown, marked as rung now.

    Each step waits one lease after its first ring, and twice as long after each further one, an hour at most.
    """
    query = select(
        steps.c.job_id, steps.c.kind, steps.c.chunk, steps.c.rings, (now_us() - steps.c.rung_at).label("age")
    )
    return _mark_again(
        tx,
        [
            step_id(row)
            for row in tx.execute(query.where(_is_rung(priority, scope)).order_by(steps.c.rung_at))
            if row.age > 1e6 * min(MOST_PAUSE_SECONDS, lease_seconds * 2.0 ** min(row.rings - 1, 30))
        ],
    )


def _mark_again(tx: Tx, found: list[StepId]) -> list[StepId]:
    if found:
        tx.execute(_MARK_AGAIN, [step_values(step) for step in found])
    return found


def _mine(scope: JobId | None) -> ColumnElement[bool]:
    return steps.c.runner == FLEET if scope is None else steps.c.job_id == scope


def _is_rung(priority: Priority, scope: JobId | None) -> ColumnElement[bool]:
    return steps.c.rung_at.is_not(None) & (steps.c.priority == priority.value) & _mine(scope)


def _jobs_with_due_steps(tx: Tx, scope: JobId | None, priority: Priority) -> list[str]:
    """Oldest first. Live jobs alone are looked at, and of each no more than one step."""
    # Not EXISTS: without an order the planner may walk over all that is done to find the first that is due.
    first = select(steps.c.chunk).where(steps.c.job_id == jobs.c.job_id, _RINGABLE).order_by(*_IN_ORDER).limit(1)
    query = select(jobs.c.job_id).where(
        jobs.c.output_held == true(),
        jobs.c.priority == priority.value,
        jobs.c.runner == FLEET if scope is None else jobs.c.job_id == scope,
        first.scalar_subquery().is_not(None),
    )
    return list(tx.scalars(query.order_by(jobs.c.number)))


def _in_flight(tx: Tx, priority: Priority) -> Counter[str]:
    """Steps rung or running, by job: as many as the window and the slots, however large the jobs."""
    found: Counter[str] = Counter()
    # Counted here: for a GROUP BY SQLite would read the whole table in the order of its key.
    for marked in (steps.c.rung_at.is_not(None), steps.c.lease_until.is_not(None)):
        found.update(tx.scalars(select(steps.c.job_id).where(marked, steps.c.priority == priority.value)))
    return found


def _share_out(tx: Tx, job_ids: list[str], in_flight: Counter[str], free: int) -> list[StepId]:
    # Stable: among equals the oldest job. No more than `free` of them can get anything.
    hungriest = sorted(job_ids, key=lambda job_id: in_flight[job_id])[:free]
    due = {job_id: list(reversed(_due(tx, job_id, free))) for job_id in hungriest}
    turns = [(in_flight[job_id], place, job_id) for place, job_id in enumerate(hungriest)]
    heapify(turns)
    chosen: list[StepId] = []
    while turns and len(chosen) < free:
        count, place, job_id = heappop(turns)
        if due[job_id]:
            chosen.append(due[job_id].pop())
            heappush(turns, (count + 1, place, job_id))
    return chosen


def _due(tx: Tx, job_id: str, limit: int) -> list[StepId]:
    values: dict[str, Any] = {"p_job": job_id, "p_limit": limit}
    return [step_id(row) for row in tx.execute(_DUE, values)]
