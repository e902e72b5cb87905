"""Times and days as a person writes them, and the slots that they mean."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, takewhile

from scoring.core.errors import UsageError
from scoring.core.schedules.cron import CronLine

MOST_SLOTS = 10_000
"""Slots of one backfill."""

MOST_COUNTED = 100_000
"""Slots counted for the message that they are too many."""

_TICK = timedelta(microseconds=1)
_SHOWN = 4


def point(text: str, option: str, line: CronLine) -> datetime:
    """An ISO date or time in UTC, read on the clock of the line's zone unless it has an offset. Raises UsageError.

    Of an hour that comes twice the first pass is meant; a time that is left out is the same moment, later on the clock.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            option, expected="2026-01-31 or 2026-01-31T02:00", got=repr(text), remedy="give one of these forms"
        ) from None
    if not 1970 < moment.year < 9999:
        raise UsageError(option, expected="a time after 1970", got=repr(text), remedy="check the year")
    return (moment if moment.tzinfo else moment.replace(tzinfo=line.zone)).astimezone(UTC)


def day_of(text: str, option: str, line: CronLine) -> tuple[datetime, datetime] | None:
    """First and last moment of a date in the line's zone, in UTC; None for a text with a time. Raises UsageError."""
    first = point(text, option, line)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    following = datetime.combine(day + timedelta(days=1), time.min, tzinfo=line.zone)
    return first, following.astimezone(UTC) - _TICK


def slot_meant(text: str, line: CronLine, now: datetime, on_record: Callable[[datetime], bool]) -> datetime:
    """What `--slot` names: the one slot of a day, a time at which the line fires, or one that is on record.

    Raises UsageError for a day with none or several, for another time, and for a slot that is still to come.
    """
    day = day_of(text, "--slot", line)
    slot = point(text, "--slot", line) if day is None else _of_day(text, line, *day)
    if not (line.fires_at(slot) or on_record(slot)):
        raise _no_slot(line, slot)
    if slot > now:
        raise UsageError(
            "--slot",
            expected="a slot up to now",
            got=f"{_clock(slot, line)}, which is to come",
            remedy="leave it to `scoring scheduler`",
        )
    return slot


def slots_between(line: CronLine, first: datetime, last: datetime) -> list[datetime]:
    """The slots of the line from `first` to `last`. Raises UsageError for disorder, and for more than MOST_SLOTS."""
    if last < first:
        raise UsageError(
            "--from and --to",
            expected="times up to now, the first one first",
            got=f"{_clock(first, line)} to {_clock(last, line)}",
            remedy="correct them; slots to come are the scheduler's",
        )
    within = takewhile(lambda slot: slot <= last, line.after(first - _TICK))
    found = list(islice(within, MOST_SLOTS))
    more = sum(1 for _ in islice(within, MOST_COUNTED))
    if more:
        count = f"{MOST_SLOTS + more:,}" if more < MOST_COUNTED else f"more than {MOST_COUNTED:,}"
        raise UsageError(
            "--from and --to", expected=f"at most {MOST_SLOTS:,} slots", got=count, remedy="take them in several steps"
        )
    return found


def _of_day(text: str, line: CronLine, first: datetime, last: datetime) -> datetime:
    within = takewhile(lambda slot: slot <= last, line.after(first - _TICK))
    found = list(islice(within, _SHOWN + 1))
    if not found:
        raise _no_slot(line, first)
    if len(found) > 1:
        several = ", ".join(_clock(slot, line) for slot in found[:_SHOWN])
        more = " and more" if len(found) > _SHOWN else ""
        raise UsageError(
            "--slot", expected="a day with one slot, or a time", got=f"{text} with {several}{more}", remedy="name one"
        )
    return found[0]


def _no_slot(line: CronLine, moment: datetime) -> UsageError:
    near = (next(line.before(moment), None), next(line.after(moment), None))
    return UsageError(
        "--slot",
        expected=f"a slot of {line.text!r} in {line.timezone}",
        got=f"{_clock(moment, line)}, which is none",
        remedy="the nearest: " + " and ".join(_clock(slot, line) for slot in near if slot is not None),
    )


def _clock(moment: datetime, line: CronLine) -> str:
    """On the clock of the line's zone, in a form that `--slot` reads."""
    return moment.astimezone(line.zone).isoformat(timespec="seconds")
