"""Which of the slots that are due get a job: decided once, when a scheduler first sees them. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, takewhile

from scoring.core.schedules.cron import CronLine
from scoring.core.schedules.policies import CatchUp

MISSED_AFTER_SECONDS = 120
"""A slot first seen later than this has been missed: `--catch-up` says what becomes of it."""

MOST_DECIDED = 500
"""Slots that `--catch-up all` decides on in one call; the rest is still due and waits for the next."""

MOST_SKIPPED = 1000
"""Of the slots that passed unseen the newest so many are put on record; a year of minutes is not."""

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What becomes of the slots that are due. No slot is in both lists; both ascend."""

    run: tuple[datetime, ...] = ()
    # By `--catch-up`: SlotReason.CATCH_UP.
    skipped: tuple[datetime, ...] = ()
    # The first slot that is not decided on; None: the line has no further one.
    next_slot: datetime | None


def due(
    line: CronLine,
    next_slot: datetime,
    now: datetime,
    catch_up: CatchUp,
    missed_after_seconds: float = MISSED_AFTER_SECONDS,
) -> Decision:
    """Decide on the slots from `next_slot` to `now`, both included. A slot that was not missed always runs.

    NONE: missed ones are skipped. LATEST: the newest of all that are due runs, older missed ones are skipped. ALL: all
    run, at most MOST_DECIDED at once.
    """
    if next_slot > now:
        return Decision(next_slot=next_slot)  # a clock that was set back decides nothing twice
    if catch_up is CatchUp.ALL:
        run = tuple(islice(takewhile(lambda slot: slot <= now, line.after(next_slot - _TICK)), MOST_DECIDED))
        return Decision(run=run, next_slot=first_after(line, run[-1] if run else now))
    missed_before = now - timedelta(seconds=missed_after_seconds)
    passed = tuple(islice(_newest_first(line, next_slot, now), MOST_SKIPPED))
    run = tuple(slot for slot in passed if slot >= missed_before)
    if catch_up is CatchUp.LATEST and not run:
        run = passed[:1]
    return Decision(run=run[::-1], skipped=passed[len(run) :][::-1], next_slot=first_after(line, now))


def passed_slots(line: CronLine, since: datetime, now: datetime) -> tuple[datetime, ...]:
    """The slots from `since` to `now`, ascending: the newest MOST_SKIPPED, where they are more."""
    return tuple(islice(_newest_first(line, since, now), MOST_SKIPPED))[::-1]


def first_after(line: CronLine, moment: datetime) -> datetime | None:
    return next(line.after(moment), None)


def _newest_first(line: CronLine, since: datetime, now: datetime) -> Iterator[datetime]:
    return takewhile(lambda slot: slot >= since, line.before(now + _TICK))
