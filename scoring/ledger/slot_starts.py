"""How a slot gets its one job: what keeps it from starting, and the transaction that starts it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, null, select, true, update

from scoring.core.errors import NotFound, UsageError
from scoring.core.schedules.policies import Overlap, SlotOrigin, SlotReason, SlotState
from scoring.ledger.clock import microseconds
from scoring.ledger.database import Tx
from scoring.ledger.records import Job
from scoring.ledger.schedule_rows import SLOT, Schedule, Slot, slot_key
from scoring.ledger.schedules import lock
from scoring.ledger.tables import jobs, slots


@dataclass(frozen=True, kw_only=True)
class Start:
    """What came of a try to start. Neither is set where the slot no longer waits."""

    job: Job | None = None
    held: SlotReason | None = None


def in_the_way(tx: Tx, schedule: Schedule, slot: Slot) -> SlotReason | None:
    """What keeps the slot from starting now: other jobs of its schedule, or a pause.

    A backfill heeds its own limit alone, and its jobs are in nobody's way. A slot that a person runs heeds nothing.
    """
    if slot.origin is SlotOrigin.MANUAL:
        return None
    if slot.origin is SlotOrigin.BACKFILL:
        limited = slot.max_parallel is not None and _live(tx, slot, backfills=True) >= slot.max_parallel
        return SlotReason.PARALLEL if limited else None
    if schedule.paused:
        return SlotReason.PAUSED
    overlap = schedule.definition.overlap
    if overlap is Overlap.ALLOW:
        return None
    behind = overlap is Overlap.QUEUE and _older_waits(tx, slot)
    return SlotReason.OVERLAP if behind or _live(tx, slot, backfills=False) else None


def start(tx: Tx, slot: Slot, insert_job: Callable[[Tx], Job], *, now: datetime, at_once: bool = False) -> Start:
    """WAITING → SUBMITTED, with the job that `insert_job` makes or finds: one, whoever else is at it.

    at_once: whatever is in the way. Raises UsageError where the job that is found is another slot's, and what
    `insert_job` raises.
    """
    try:
        schedule = lock(tx, slot.schedule)  # the starts of one schedule take turns, so that they see each other's jobs
    except NotFound:
        return Start()
    row = select(slots.c.slot).where(SLOT, slots.c.state == SlotState.WAITING.value).with_for_update()
    if tx.execute(row, slot_key(slot.schedule, slot.slot)).one_or_none() is None:
        return Start()
    held = None if at_once else in_the_way(tx, schedule, slot)
    if held is not None:
        return Start(held=held)
    job = insert_job(tx)
    if job.slot is None:
        job = _give(tx, slot, job)
    elif (job.schedule, job.slot) != (slot.schedule, slot.slot):
        raise _taken(slot, job)
    submitted = {"state": SlotState.SUBMITTED.value, "reason": null(), "look_at": null(), "job_id": job.id}
    ends = update(slots).where(SLOT).values(**submitted, decided_at=microseconds(now))
    tx.execute(ends, slot_key(slot.schedule, slot.slot))
    return Start(job=job)


def _live(tx: Tx, slot: Slot, *, backfills: bool) -> int:
    """Jobs of other slots of the schedule that still hold their output: of its backfills, or of all other slots."""
    own = jobs.c.slot == microseconds(slot.slot)
    live = tx.scalars(select(jobs.c.slot).where(jobs.c.schedule == slot.schedule, jobs.c.output_held == true(), ~own))
    # Not one join: on old statistics Postgres would read all slots that the schedule ever had.
    theirs = slots.c.slot.in_(live.all())
    backfill = slots.c.origin == SlotOrigin.BACKFILL.value
    query = select(func.count()).where(slots.c.schedule == slot.schedule, theirs, backfill if backfills else ~backfill)
    return int(tx.execute(query).scalar_one())


def _older_waits(tx: Tx, slot: Slot) -> bool:
    older = select(slots.c.slot).where(
        slots.c.schedule == slot.schedule,
        slots.c.look_at.is_not(None),
        slots.c.origin == SlotOrigin.CRON.value,
        slots.c.slot < microseconds(slot.slot),
    )
    return tx.execute(older.limit(1)).one_or_none() is not None


def _give(tx: Tx, slot: Slot, job: Job) -> Job:
    """A job that was submitted by hand, under the key that the slot's job would bear, becomes the slot's."""
    free = update(jobs).where(jobs.c.job_id == job.id, jobs.c.slot.is_(None))
    if tx.execute(free.values(schedule=slot.schedule, slot=microseconds(slot.slot))).rowcount == 0:
        raise _taken(slot, job)
    return replace(job, schedule=slot.schedule, slot=slot.slot)


def _taken(slot: Slot, job: Job) -> UsageError:
    owner = f"slot {job.slot:%Y-%m-%dT%H:%M:%SZ} of {job.schedule}" if job.slot else "another slot"
    return UsageError(
        f"idempotency key {job.idempotency_key!r} is taken",
        expected=f"a key of its own for slot {slot.slot:%Y-%m-%dT%H:%M:%SZ} of {slot.schedule}",
        got=f"job {job.id}, which belongs to {owner}",
        remedy="put {name} and {slot} into the key, or leave it out: a slot has one job anyway",
    )
