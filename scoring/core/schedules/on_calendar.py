"""A cron line in the calendar expressions of systemd."""

from datetime import UTC, datetime

from cronsim import CronSim

from scoring.core.errors import UsageError
from scoring.core.schedules.cron import CronLine

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def on_calendar(line: CronLine) -> list[str]:
    """One expression; two where the line restricts both the days of the month and those of the week: cron means either.

    Raises UsageError for what systemd cannot say.
    """
    parsed = _parsed(line)
    clock = f"{_values(parsed.hours, 24)}:{_values(parsed.minutes, 60)}:00 {line.timezone}"
    months = _values(parsed.months, 12)
    days = f"*-{months}{_days(line, parsed.days)} {clock}"
    week = _week(weekdays(line))
    if not week:
        return [days]
    if parsed.day_and:
        return [f"{week} {days}"]
    return [days, f"{week} *-{months}-* {clock}"]


def weekdays(line: CronLine) -> set[int]:
    """1 for Monday to 7 for Sunday. Raises UsageError for the second Friday of a month and the like."""
    days = set()
    for day in _parsed(line).weekdays:
        if not isinstance(day, int):
            raise _cannot(line)
        days.add((day - 1) % 7 + 1)
    return days


def _parsed(line: CronLine) -> CronSim:
    return CronSim(line.fields, datetime(2024, 1, 1, tzinfo=UTC))


def _days(line: CronLine, days: set[int]) -> str:
    if days == {CronSim.LAST}:
        return "~01"
    if min(days) < 1:
        raise _cannot(line)
    return "-" + _values(days, 31)


def _week(days: set[int]) -> str:
    return "" if len(days) == 7 else ",".join(_WEEKDAYS[day - 1] for day in sorted(days))


def _values(values: set[int], most: int) -> str:
    return "*" if len(values) == most else ",".join(f"{value:02d}" for value in sorted(values))


def _cannot(line: CronLine) -> UsageError:
    return UsageError(
        "export",
        expected="fields that other schedulers know",
        got=line.text,
        remedy="leave # and LW to `scoring scheduler`",
    )
