"""Slots: decided on once, looked at while they wait, and what became of them. How they get their job: `slot_starts`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Update, bindparam, false, func, null, select, true, update

from scoring.core.errors import ErrorCode
from scoring.core.outcome import clean
from scoring.core.schedules.policies import SlotOrigin, SlotReason, SlotState
from scoring.core.states import JobState
from scoring.ledger.clock import instant, maybe_instant, microseconds, now_us, read_clock
from scoring.ledger.database import Tx, insert_or_nothing
from scoring.ledger.schedule_rows import SLOT, NewSlot, Schedule, Slot, slot_key, slot_of
from scoring.ledger.schedules import lock
from scoring.ledger.tables import jobs, schedules, slots

__all__ = [
    "NewSlot",
    "Slot",
    "ask",
    "claim_look",
    "decide",
    "find_slot",
    "judge_late",
    "refuse",
    "skip",
    "stop_backfill",
    "to_look_at",
    "wait",
]

LOOK_SECONDS = 15
"""Who has claimed a look and says nothing for so long is gone: others look again."""

LANE = 8
"""Slots looked at of those that stand in line for one schedule: it may be a backfill of thousands."""


def decide(
    tx: Tx, schedule: Schedule, decided: Sequence[NewSlot], *, next_slot: datetime | None, now: datetime
) -> bool:
    """Nothing → WAITING or SKIPPED for the slots up to `next_slot`, which nobody has decided on yet.

    False, and nothing is changed, where the schedule is no longer as it was read: somebody else has decided, or edited.
    A slot that was asked for before keeps the row that it has.
    """
    seen = (schedules.c.name == schedule.name) & (schedules.c.revision == schedule.revision)
    if schedule.next_slot is None:
        return False
    cursor = update(schedules).where(seen, schedules.c.next_slot == microseconds(schedule.next_slot))
    if tx.execute(cursor.values(next_slot=_us(next_slot))).rowcount == 0:
        return False
    if decided:
        tx.execute(insert_or_nothing(tx, slots), [_decided(schedule.name, slot, now) for slot in decided])
    return True


def ask(
    tx: Tx,
    name: str,
    wanted: Sequence[datetime],
    *,
    origin: SlotOrigin,
    max_parallel: int | None = None,
    look_in_seconds: float = 0,
    now: datetime | None = None,
) -> list[Slot]:
    """Nothing, SKIPPED, REFUSED → WAITING, at a person's wish; others stay as they are. Returns them all, ascending.

    look_in_seconds: so long the schedulers leave them to the caller. Raises NotFound where there is no such schedule.
    """
    lock(tx, name)
    if not wanted:
        return []
    # A time in a doubled or a left out hour of its zone equals none in UTC, and the rows come in UTC.
    asked = {slot.astimezone(UTC) for slot in wanted}
    now = now or read_clock(tx)
    values = {
        "state": SlotState.WAITING.value,
        "origin": origin.value,
        "max_parallel": max_parallel,
        "look_at": microseconds(now + timedelta(seconds=look_in_seconds)),
        "decided_at": microseconds(now),
    }
    keys = [slot_key(name, slot) for slot in asked]
    ended = (slots.c.state == SlotState.SKIPPED.value) | (slots.c.state == SlotState.REFUSED.value)
    again = update(slots).where(SLOT, ended)
    tx.execute(again.values(**values, **dict.fromkeys(_OF_ONE_STRETCH)), keys)
    new = [{**values, "schedule": name, "slot": microseconds(slot), "late_said": False} for slot in asked]
    tx.execute(insert_or_nothing(tx, slots), new)
    between = slots.c.slot.between(microseconds(min(asked)), microseconds(max(asked)))
    rows = tx.execute(select(slots).where(slots.c.schedule == name, between).order_by(slots.c.slot))
    return [slot for slot in map(slot_of, rows) if slot.slot in asked]


def stop_backfill(tx: Tx, name: str) -> int:
    """WAITING → SKIPPED for what a backfill still has in line; how many. Raises NotFound."""
    lock(tx, name)
    in_line = (slots.c.schedule == name) & slots.c.look_at.is_not(None)
    values = {"state": SlotState.SKIPPED.value, "reason": SlotReason.STOPPED.value, "look_at": null()}
    ends = update(slots).where(in_line, slots.c.origin == SlotOrigin.BACKFILL.value)
    return tx.execute(ends.values(**values, decided_at=now_us())).rowcount


def find_slot(tx: Tx, schedule: str, slot: datetime) -> Slot | None:
    row = tx.execute(select(slots).where(SLOT), slot_key(schedule, slot)).one_or_none()
    return None if row is None else slot_of(row)


def to_look_at(tx: Tx, now: datetime, limit: int) -> list[tuple[str, datetime]]:
    """(schedule, slot) of the WAITING slots that are to be looked at now, the longest overdue first.

    Of those that stand in line the first ones alone are looked at, and backfills after all others.
    """
    facts = (slots.c.schedule, slots.c.slot, slots.c.look_at, slots.c.origin, slots.c.reason)
    place = func.row_number().over(partition_by=(slots.c.schedule, slots.c.origin), order_by=slots.c.slot)
    waiting = select(*facts, place.label("place")).where(slots.c.look_at.is_not(None)).subquery()
    backfill = waiting.c.origin == SlotOrigin.BACKFILL.value
    in_line = backfill | (func.coalesce(waiting.c.reason, "") == SlotReason.OVERLAP.value)
    query = (
        select(waiting.c.schedule, waiting.c.slot)
        .where(waiting.c.look_at <= microseconds(now), (waiting.c.place <= LANE) | ~in_line)
        .order_by(backfill, waiting.c.look_at, waiting.c.slot, waiting.c.schedule)
        .limit(limit)
    )
    return [(row.schedule, instant(row.slot)) for row in tx.execute(query)]


def claim_look(tx: Tx, schedule: str, slot: datetime, now: datetime) -> Slot | None:
    """WAITING → WAITING: nobody else looks at the slot for LOOK_SECONDS. None where somebody was faster."""
    claimed = update(slots).where(SLOT, slots.c.look_at <= microseconds(now)).returning(*slots.c)
    row = tx.execute(
        claimed.values(look_at=microseconds(now + timedelta(seconds=LOOK_SECONDS))), slot_key(schedule, slot)
    ).one_or_none()
    return None if row is None else slot_of(row)


def wait(tx: Tx, slot: Slot, reason: SlotReason, *, look_at: datetime, input_seen: str | None = None) -> bool:
    """WAITING → WAITING, with what it waits for and when it is looked at again. False where it has moved meanwhile."""
    values = {"reason": reason.value, "look_at": microseconds(look_at), "input_seen": input_seen}
    return _move(tx, slot, _still_waiting(slot).values(**values))


def skip(tx: Tx, slot: Slot, reason: SlotReason, now: datetime) -> bool:
    """WAITING → SKIPPED, by a policy. False where it has moved meanwhile."""
    values = {"state": SlotState.SKIPPED.value, "reason": reason.value, "look_at": null()}
    return _move(tx, slot, _still_waiting(slot).values(**values, decided_at=microseconds(now)))


def refuse(tx: Tx, slot: Slot, code: ErrorCode, error: str, now: datetime) -> bool:
    """WAITING → REFUSED: the job cannot be submitted as things stand. False where it has moved meanwhile."""
    values = {"state": SlotState.REFUSED.value, "reason": null(), "error_code": code.value, "error": clean(error)}
    return _move(tx, slot, _still_waiting(slot).values(**values, look_at=null(), decided_at=microseconds(now)))


def judge_late(tx: Tx, now: datetime, limit: int = 200) -> list[tuple[Slot, JobState | None]]:
    """Slots whose result should be there by `now` and is not, each once ever, with the state of their job if any."""
    query = (
        select(slots)
        .where(slots.c.late_said == false(), slots.c.expected_by < microseconds(now))
        .order_by(slots.c.expected_by)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    judged = [slot_of(row) for row in tx.execute(query)]
    if not judged:
        return []
    said = update(slots).where(SLOT, slots.c.late_said == false()).values(late_said=true())
    tx.execute(said, [slot_key(slot.schedule, slot.slot) for slot in judged])
    late = [(slot, end) for slot, end in _with_ends(tx, judged) if not _in_time(slot, end)]
    return [(slot, end.state if end is not None else None) for slot, end in late]


@dataclass(frozen=True)
class _End:
    """How far a slot's job has come."""

    state: JobState
    finished_at: datetime | None


def _with_ends(tx: Tx, judged: list[Slot]) -> list[tuple[Slot, _End | None]]:
    made = select(jobs.c.job_id, jobs.c.state, jobs.c.finished_at)
    rows = tx.execute(made.where(jobs.c.job_id.in_([slot.job_id for slot in judged if slot.job_id is not None])))
    ends = {row.job_id: _End(JobState(row.state), maybe_instant(row.finished_at)) for row in rows}
    return [(slot, ends.get(slot.job_id)) for slot in judged]


def _in_time(slot: Slot, end: _End | None) -> bool:
    if end is None or end.finished_at is None or slot.expected_by is None:
        return False
    return end.state is JobState.SUCCEEDED and end.finished_at <= slot.expected_by


_OF_ONE_STRETCH = ("reason", "start_by", "input_by", "input_seen", "error_code", "error")
"""Columns that say nothing any more once a slot waits again."""


def _decided(schedule: str, slot: NewSlot, now: datetime) -> dict[str, Any]:
    waits = slot.skipped is None
    return {
        "schedule": schedule,
        "slot": microseconds(slot.slot),
        "state": SlotState.WAITING.value if waits else SlotState.SKIPPED.value,
        "reason": slot.skipped.value if slot.skipped is not None else None,
        "origin": SlotOrigin.CRON.value,
        "look_at": microseconds(now) if waits else None,
        "start_by": _us(slot.start_by),
        "input_by": _us(slot.input_by),
        "expected_by": _us(slot.expected_by),
        # The log says that it was skipped; the views say that its result is late.
        "late_said": not waits,
        "decided_at": microseconds(now),
    }


def _still_waiting(slot: Slot) -> Update:
    """In the stretch of waiting in which it was read."""
    return update(slots).where(
        SLOT, slots.c.state == SlotState.WAITING.value, slots.c.decided_at == bindparam("p_since")
    )


def _move(tx: Tx, slot: Slot, statement: Update) -> bool:
    values = {**slot_key(slot.schedule, slot.slot), "p_since": microseconds(slot.decided_at)}
    return tx.execute(statement, values).rowcount == 1


def _us(moment: datetime | None) -> int | None:
    return None if moment is None else microseconds(moment)
