"""What `scoring doctor` is told of schedules."""

from datetime import datetime, timedelta

from scoring.core.errors import ErrorCode
from scoring.ledger import processes, schedules, slots
from scoring.ledger.clock import read_clock
from scoring.ledger.schedule_health import ScheduleHealth, schedule_health
from tests.ledger.desk import Desk
from tests.ledger.nightly import DAY, NAME, added, decided
from workers.presence import scheduler, worker

HOUR = timedelta(hours=1)


def health(desk: Desk) -> ScheduleHealth:
    return desk.ledger.look(schedule_health)


def refused(desk: Desk, slot: datetime, at: datetime) -> None:
    """The slot waited from `slot` on, and was given up."""
    decided(desk, slot, expected_by=slot + HOUR)
    found = desk.ledger.look(lambda tx: slots.find_slot(tx, NAME, slot))
    assert found is not None
    assert desk.run(lambda tx: slots.refuse(tx, found, ErrorCode.INPUT_MISSING, "gone", at))


def test_schedules_and_live_schedulers_are_counted(desk: Desk) -> None:
    """Paused ones for themselves; a worker fires nothing."""
    assert ScheduleHealth() == health(desk)
    added(desk)
    added(desk, "paused")
    desk.run(lambda tx: schedules.pause(tx, "paused"))
    desk.run(lambda tx: processes.beat(tx, worker("box:1", slots=1)))
    assert ScheduleHealth(firing=1, paused=1) == health(desk)
    desk.run(lambda tx: processes.beat(tx, scheduler("box:2")))
    assert ScheduleHealth(firing=1, paused=1, schedulers=1) == health(desk)


def test_the_last_day_alone_counts(desk: Desk) -> None:
    """A slot of three days ago is no news, one of two hours ago is late and was refused; a removed schedule is none."""
    now = desk.ledger.look(read_clock)
    added(desk, next_slot=now - 3 * DAY)
    refused(desk, now - 3 * DAY, now - 3 * DAY)
    assert ScheduleHealth(firing=1) == health(desk)
    refused(desk, now - 2 * HOUR, now)
    decided(desk, now - HOUR / 2, expected_by=now + HOUR)  # there is time left
    assert ScheduleHealth(firing=1, late=1, refused=1) == health(desk)
    desk.run(lambda tx: schedules.remove(tx, NAME))
    assert ScheduleHealth() == health(desk)
