"""A cron line in the calendar expressions of systemd."""

from collections.abc import Iterable
from datetime import UTC, datetime

from cronsim import CronSim

from scoring.core.errors import UsageError
from scoring.core.schedules.cron import CronLine

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def on_calendar(line: CronLine) -> list[str]:
    """One expression; two where the line restricts both the days of the month and those of the week: cron means either.

    Raises UsageError for what systemd cannot say.
    """
    parsed = CronSim(line.fields, datetime(2024, 1, 1, tzinfo=UTC))
    clock = f"{_values(parsed.hours, 24)}:{_values(parsed.minutes, 60)}:00 {line.timezone}"
    months = _values(parsed.months, 12)
    days = f"*-{months}{_days(line, parsed.days)} {clock}"
    week = _week(line, parsed.weekdays)
    if not week:
        return [days]
    if parsed.day_and:
        return [f"{week} {days}"]
    return [days, f"{week} *-{months}-* {clock}"]


def _days(line: CronLine, days: set[int]) -> str:
    if days == {CronSim.LAST}:
        return "~01"
    if min(days) < 1:
        raise _cannot(line)
    return "-" + _values(days, 31)


def _week(line: CronLine, weekdays: Iterable[object]) -> str:
    # Sunday is 0 and 7.
    days = set()
    for day in weekdays:
        if not isinstance(day, int):
            raise _cannot(line)
        days.add((day - 1) % 7)
    return "" if len(days) == 7 else ",".join(_WEEKDAYS[day] for day in sorted(days))


def _values(values: set[int], most: int) -> str:
    return "*" if len(values) == most else ",".join(f"{value:02d}" for value in sorted(values))


def _cannot(line: CronLine) -> UsageError:
    return UsageError(
        "export",
        expected="fields that systemd knows too",
        got=line.text,
        remedy="leave # and LW to `scoring scheduler`",
    )
