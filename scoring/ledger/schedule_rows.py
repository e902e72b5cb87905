"""Rows of `cron_schedules`, `schedule_changes` and `slots` as records."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, bindparam

from scoring.core.errors import ErrorCode
from scoring.core.ids import JobId
from scoring.core.schedules.definition import ScheduleDefinition
from scoring.core.schedules.policies import ScheduleChange, SlotOrigin, SlotReason, SlotState
from scoring.ledger.clock import instant, maybe_instant, microseconds
from scoring.ledger.tables import slots


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A schedule as it stood when it was read."""

    definition: ScheduleDefinition
    # From 1; one more with each change.
    revision: int
    paused: bool
    # Written by `schedule apply`.
    managed: bool
    # The first slot that nobody has decided on; None while paused, or where the cron line has no time left.
    next_slot: datetime | None
    # While paused: where `next_slot` stood before.
    paused_from: datetime | None
    created_at: datetime
    changed_at: datetime

    @property
    def name(self) -> str:
        return self.definition.name


@dataclass(frozen=True, kw_only=True)
class ScheduleRevision:
    """One line of a schedule's history."""

    revision: int
    change: ScheduleChange
    # As it was from this change on.
    definition: ScheduleDefinition
    changed_at: datetime


@dataclass(frozen=True, kw_only=True)
class NewSlot:
    """What was decided about a slot of the cron line."""

    slot: datetime
    # None: it waits to be started.
    skipped: SlotReason | None = None
    start_by: datetime | None = None
    input_by: datetime | None = None
    expected_by: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A slot as it stood when it was read."""

    schedule: str
    slot: datetime
    state: SlotState
    # Why it waits, or was skipped.
    reason: SlotReason | None
    origin: SlotOrigin
    # Of a backfill: how many of its slots may have live jobs at once; None: any number.
    max_parallel: int | None
    # Not started by then: skipped; no input by then: refused; no result by then: late.
    start_by: datetime | None
    input_by: datetime | None
    expected_by: datetime | None
    # What its input looked like at the last look.
    input_seen: str | None
    # Set once SUBMITTED, and only then.
    job_id: JobId | None
    error_code: ErrorCode | None
    error: str | None
    # When its state last changed: tells one stretch of waiting from the next.
    decided_at: datetime


SLOT = and_(slots.c.schedule == bindparam("p_schedule"), slots.c.slot == bindparam("p_slot"))
"""One slot, by the values of `slot_key`."""


def slot_key(schedule: str, slot: datetime) -> dict[str, Any]:
    return {"p_schedule": schedule, "p_slot": microseconds(slot)}


def schedule_of(row: Row[Any]) -> Schedule:
    """Raises UsageError where this program does not know what the definition says."""
    return Schedule(
        definition=ScheduleDefinition.from_json(row.definition),
        revision=row.revision,
        paused=bool(row.paused),
        managed=bool(row.managed),
        next_slot=maybe_instant(row.next_slot),
        paused_from=maybe_instant(row.paused_from),
        created_at=instant(row.created_at),
        changed_at=instant(row.changed_at),
    )


def revision_of(row: Row[Any]) -> ScheduleRevision:
    return ScheduleRevision(
        revision=row.revision,
        change=ScheduleChange(row.change),
        definition=ScheduleDefinition.from_json(row.definition),
        changed_at=instant(row.changed_at),
    )


def slot_of(row: Row[Any]) -> Slot:
    return Slot(
        schedule=row.schedule,
        slot=instant(row.slot),
        state=SlotState(row.state),
        reason=SlotReason(row.reason) if row.reason else None,
        origin=SlotOrigin(row.origin),
        max_parallel=row.max_parallel,
        start_by=maybe_instant(row.start_by),
        input_by=maybe_instant(row.input_by),
        expected_by=maybe_instant(row.expected_by),
        input_seen=row.input_seen,
        job_id=JobId(row.job_id) if row.job_id else None,
        error_code=ErrorCode(row.error_code) if row.error_code else None,
        error=row.error,
        decided_at=instant(row.decided_at),
    )
