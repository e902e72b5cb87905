"""Short hands for schedules that mean nothing: a nightly one, its slots, and jobs of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from scoring.core.schedules.cron import CronLine
from scoring.core.schedules.definition import ScheduleDefinition
from scoring.core.schedules.policies import Overlap, SlotOrigin
from scoring.ledger import jobs, schedules, slot_starts, slots
from scoring.ledger.records import Job
from scoring.ledger.schedule_rows import NewSlot, Schedule, Slot
from scoring.ledger.slot_starts import Start
from tests.ledger.desk import Desk

NAME = "nightly"
FIRST = datetime(2026, 3, 1, 2, tzinfo=UTC)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def nights(count: int, first: datetime = FIRST) -> list[datetime]:
    return [first + number * DAY for number in range(count)]


def definition(
    name: str = NAME, *, cron: str = "0 2 * * *", timezone: str = "UTC", **changes: Any
) -> ScheduleDefinition:
    values: dict[str, Any] = {"model": "churn", "inputs": ("/data/{slot:%Y-%m-%d}.csv",)}
    return ScheduleDefinition(name=name, line=CronLine.parse(cron, timezone), **values | changes)


def added(desk: Desk, name: str = NAME, *, next_slot: datetime | None = FIRST, **changes: Any) -> Schedule:
    return desk.run(lambda tx: schedules.add(tx, definition(name, **changes), next_slot=next_slot))


def found(desk: Desk, name: str = NAME) -> Schedule:
    return desk.ledger.look(lambda tx: schedules.find(tx, name))


def decided(desk: Desk, *wanted: datetime, name: str = NAME, **facts: Any) -> bool:
    """The slots wait for their start, decided on at the last one's time; the cursor goes to the day after."""
    schedule, now = found(desk, name), wanted[-1]
    new = [NewSlot(slot=slot, **facts) for slot in wanted]
    return desk.run(lambda tx: slots.decide(tx, schedule, new, next_slot=now + DAY, now=now))


def asked(desk: Desk, *wanted: datetime, origin: SlotOrigin = SlotOrigin.BACKFILL, **facts: Any) -> list[Slot]:
    return desk.run(lambda tx: slots.ask(tx, NAME, wanted, origin=origin, now=wanted[-1], **facts))


def slot(desk: Desk, at: datetime = FIRST, name: str = NAME) -> Slot:
    seen = desk.ledger.look(lambda tx: slots.find_slot(tx, name, at))
    assert seen is not None
    return seen


def looked(desk: Desk, now: datetime) -> Slot | None:
    """The first slot that is to be looked at now, claimed."""
    found_now = desk.ledger.look(lambda tx: slots.to_look_at(tx, now, 1))
    return desk.run(lambda tx: slots.claim_look(tx, *found_now[0], now)) if found_now else None


def started(desk: Desk, at: datetime = FIRST, *, name: str = NAME, at_once: bool = False, **job: Any) -> Start:
    new, waiting = desk.new(schedule=name, slot=at, **job), slot(desk, at, name)
    return desk.run(
        lambda tx: slot_starts.start(tx, waiting, lambda within: jobs.insert_job(within, new), now=at, at_once=at_once)
    )


def job_of(desk: Desk, at: datetime = FIRST) -> Job:
    return desk.ledger.look(lambda tx: jobs.of_slot(tx, NAME, at))


def ended(desk: Desk, at: datetime = FIRST) -> None:
    """The slot's job is cancelled, and lets its output go."""
    job = job_of(desk, at)
    desk.run(lambda tx: jobs.cancel(tx, job.id))
    desk.finish(job.id)


ALLOW, FORBID, QUEUE = Overlap.ALLOW, Overlap.FORBID, Overlap.QUEUE
