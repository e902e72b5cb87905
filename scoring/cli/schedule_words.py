"""How schedules, their slots and times are shown."""

from datetime import datetime
from typing import TYPE_CHECKING

from scoring.cli.output import Row, cell, say

if TYPE_CHECKING:
    from scoring.core.schedules.cron import CronLine
    from scoring.ledger.schedules import Schedule


def facts(schedule: "Schedule") -> Row:
    """A schedule for programs: options as they are written, and how it stands."""
    definition = schedule.definition
    return {
        "schedule": definition.name,
        **definition.as_written(),
        "in_words": definition.line.in_words(),
        "revision": schedule.revision,
        "paused": schedule.paused,
        "managed": schedule.managed,
        "next_slot": schedule.next_slot,
    }


def say_next(schedule: "Schedule") -> None:
    """One line on stderr: when it fires, in words, and when it does so next."""
    line = schedule.definition.line
    say(f"schedule {schedule.name}: {line.in_words()} ({line.timezone}); {_next(schedule)}")


def local(slot: datetime, line: "CronLine") -> str:
    """A time on the clock of the line's zone, with its offset from UTC."""
    return slot.astimezone(line.zone).isoformat(sep=" ", timespec="seconds")


def _next(schedule: "Schedule") -> str:
    if schedule.paused:
        return f"paused; scoring schedule resume {schedule.name}"
    if schedule.next_slot is None:
        return "it never fires again"
    return f"next at {local(schedule.next_slot, schedule.definition.line)}, {cell(schedule.next_slot)}"
