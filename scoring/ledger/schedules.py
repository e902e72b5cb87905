"""Schedules: made, changed and found, each change a line of their history. Their slots stand in `slots`."""

from collections.abc import Sequence
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Update, delete, false, func, insert, null, select, true, update

from scoring.core.errors import NotFound, UsageError
from scoring.core.schedules.definition import ScheduleDefinition
from scoring.core.schedules.policies import ScheduleChange, SlotOrigin, SlotReason, SlotState
from scoring.ledger.clock import microseconds, now_us
from scoring.ledger.database import Tx, insert_or_nothing
from scoring.ledger.schedule_rows import Schedule, ScheduleRevision, revision_of, schedule_of
from scoring.ledger.tables import schedule_changes, schedules, slots

__all__ = [
    "Schedule",
    "ScheduleRevision",
    "add",
    "all_schedules",
    "due",
    "edit",
    "find",
    "history",
    "lock",
    "pause",
    "remove",
    "resume",
]


def add(tx: Tx, definition: ScheduleDefinition, *, next_slot: datetime | None, managed: bool = False) -> Schedule:
    """Nothing → a schedule whose first slot is `next_slot`. Raises UsageError where it exists.

    The revisions of a namesake that was removed are counted on, and slots that it decided on are not run again.
    """
    values = {**_columns(definition), "revision": 1, "managed": managed, "paused": False, "next_slot": _us(next_slot)}
    statement = insert_or_nothing(tx, schedules).returning(schedules.c.name)
    row = tx.execute(statement.values(**values, created_at=now_us(), changed_at=now_us())).one_or_none()
    if row is None:
        raise UsageError(
            f"there is a schedule {definition.name} already",
            expected="a new name",
            got=definition.name,
            remedy=f"change it with `scoring schedule edit {definition.name}`",
        )
    # Not before the insert: it may have waited for the removal of the namesake.
    last = select(func.coalesce(func.max(schedule_changes.c.revision), 0)).where(
        schedule_changes.c.name == definition.name
    )
    return _change(tx, ScheduleChange.ADDED, _named(definition.name).values(revision=last.scalar_subquery() + 1))


def edit(
    tx: Tx, definition: ScheduleDefinition, *, next_slot: datetime | None, managed: bool | None = None
) -> Schedule:
    """Replace the definition. Waiting slots keep their place and take the new one when they start.

    next_slot: where the cursor goes if cron line or time zone change; else it stays. Raises NotFound.
    """
    before = lock(tx, definition.name)
    managed = before.managed if managed is None else managed
    if before.definition == definition and before.managed == managed:
        return before
    change = _next_revision(definition.name).values(**_columns(definition), managed=managed)
    if before.definition.line != definition.line:
        cursor = schedules.c.paused_from if before.paused else schedules.c.next_slot
        change = change.values({cursor: _us(next_slot)})
    return _change(tx, ScheduleChange.EDITED, change)


def pause(tx: Tx, name: str) -> Schedule:
    """Running → paused: no slot is decided on. A paused one stays as it is. Raises NotFound."""
    before = lock(tx, name)
    if before.paused:
        return before
    stopped = _next_revision(name).values(paused=True, paused_from=schedules.c.next_slot, next_slot=null())
    return _change(tx, ScheduleChange.PAUSED, stopped.where(schedules.c.paused == false()))


def resume(tx: Tx, name: str, *, next_slot: datetime | None, skipped: Sequence[datetime]) -> Schedule:
    """Paused → running from `next_slot` on; `skipped` slots passed meanwhile. A running one stays as it is.

    Raises NotFound.
    """
    before = lock(tx, name)
    if not before.paused:
        return before
    _insert_skipped(tx, name, skipped)
    going = _next_revision(name).values(paused=False, paused_from=null(), next_slot=_us(next_slot))
    return _change(tx, ScheduleChange.RESUMED, going.where(schedules.c.paused == true()))


def remove(tx: Tx, name: str) -> None:
    """A schedule → nothing; WAITING slots of it → SKIPPED. Slots, jobs and history stay. Raises NotFound."""
    lock(tx, name)
    _change(tx, ScheduleChange.REMOVED, _next_revision(name))
    tx.execute(delete(schedules).where(schedules.c.name == name))
    tx.execute(
        update(slots)
        .where(slots.c.schedule == name, slots.c.look_at.is_not(None))
        .values(state=SlotState.SKIPPED.value, reason=SlotReason.REMOVED.value, look_at=null(), decided_at=now_us())
    )


def find(tx: Tx, name: str) -> Schedule:
    """The schedule as it stands. Raises NotFound."""
    row = tx.execute(select(schedules).where(schedules.c.name == name)).one_or_none()
    if row is None:
        raise _unknown(tx, name)
    return schedule_of(row)


def lock(tx: Tx, name: str) -> Schedule:
    """The schedule, held until the transaction ends: of all who decide, start and change, one at a time.

    Raises NotFound.
    """
    row = tx.execute(select(schedules).where(schedules.c.name == name).with_for_update()).one_or_none()
    if row is None:
        raise _unknown(tx, name)
    return schedule_of(row)


def all_schedules(tx: Tx) -> list[Schedule]:
    """Schedules by name."""
    return [schedule_of(row) for row in tx.execute(select(schedules).order_by(schedules.c.name))]


def due(tx: Tx, now: datetime) -> list[str]:
    """Names of the schedules that have a slot to decide on, the longest overdue first."""
    query = select(schedules.c.name).where(schedules.c.next_slot <= microseconds(now))
    return list(tx.scalars(query.order_by(schedules.c.next_slot, schedules.c.name)))


def history(tx: Tx, name: str) -> list[ScheduleRevision]:
    """Its changes, the first one first; those of a removed one too."""
    query = select(schedule_changes).where(schedule_changes.c.name == name).order_by(schedule_changes.c.revision)
    return [revision_of(row) for row in tx.execute(query)]


def _named(name: str) -> Update:
    return update(schedules).where(schedules.c.name == name)


def _next_revision(name: str) -> Update:
    return _named(name).values(revision=schedules.c.revision + 1, changed_at=now_us())


def _change(tx: Tx, change: ScheduleChange, statement: Update) -> Schedule:
    row = tx.execute(statement.returning(*schedules.c)).one()
    line = {column: getattr(row, column) for column in ("name", "revision", "definition", "changed_at")}
    tx.execute(insert(schedule_changes).values(**line, change=change.value))
    return schedule_of(row)


def _insert_skipped(tx: Tx, name: str, skipped: Sequence[datetime]) -> None:
    if skipped:
        values = {
            "schedule": name,
            "state": SlotState.SKIPPED.value,
            "reason": SlotReason.PAUSED.value,
            "origin": SlotOrigin.CRON.value,
            # Nothing is expected of a slot that was paused on purpose.
            "late_said": True,
        }
        rows = [{**values, "slot": microseconds(slot)} for slot in skipped]
        tx.execute(insert_or_nothing(tx, slots).values(decided_at=now_us()), rows)


def _columns(definition: ScheduleDefinition) -> dict[str, Any]:
    return {
        "name": definition.name,
        "cron": definition.cron,
        "timezone": definition.timezone,
        "model": definition.model,
        "overlap": definition.overlap.value,
        "catch_up": definition.catch_up.value,
        "definition": definition.to_json(),
    }


def _us(moment: datetime | None) -> int | None:
    return None if moment is None else microseconds(moment)


def _unknown(tx: Tx, name: str) -> NotFound:
    close = get_close_matches(name, list(tx.scalars(select(schedules.c.name))), n=1)
    return NotFound(
        f"no schedule {name}",
        expected="the name of a schedule",
        got=name,
        remedy=f"did you mean {close[0]}?" if close else "`scoring schedule list` names them",
    )
