"""A few slots of a cron line, chosen so that a text which two slots share is likely to be the same for two of them."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice

from scoring.core.schedules.cron import CronLine

_ANY_DAY = datetime(2024, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_IN_A_ROW = 3
_STEPS = (timedelta(hours=1), timedelta(days=1), timedelta(weeks=1), timedelta(weeks=52))
_MONTHS = (*range(1, 12), *range(12, 12 * 12, 12))
"""Each month of the first year, and then years: within twelve a date has the same day of the week again."""


@lru_cache(maxsize=1024)
def some_slots(line: CronLine) -> tuple[datetime, ...]:
    """The first ones in a row; and those an hour, a day, a week, some months and some years after the first.

    Ascending, in UTC, at least one.
    """
    first = tuple(islice(line.after(_ANY_DAY), _IN_A_ROW))
    later = (next(line.after(moment - _TICK), None) for moment in _anniversaries(first[0].astimezone(line.zone)))
    return tuple(sorted({*first, *(slot for slot in later if slot is not None)}))


def _anniversaries(local: datetime) -> Iterator[datetime]:
    """Where the clock, the day of the week, of the month or of the year is the same again."""
    yield from (local + step for step in _STEPS)
    for months in _MONTHS:
        years, month = divmod(local.month - 1 + months, 12)
        with suppress(ValueError):  # no such day in that month
            yield local.replace(year=local.year + years, month=month + 1)
