"""schedule run, backfill: slots that a person asks for."""

from datetime import date, datetime, time, timedelta
from itertools import islice, takewhile
from typing import TYPE_CHECKING

import click

from scoring.cli.options import json_option, timeout_option
from scoring.cli.output import print_json, say
from scoring.cli.schedule_words import local
from scoring.cli.score import Waiting, after_submit, say_it_exists
from scoring.cli.session import open_ledger, open_session
from scoring.core.errors import UsageError
from scoring.core.schedules.cron import CronLine
from scoring.core.schedules.policies import SlotOrigin, SlotState

if TYPE_CHECKING:
    pass

MOST_SLOTS = 10_000
"""Slots of one backfill."""

MOST_COUNTED = 100_000
"""Slots counted for the message that they are too many."""


@click.command(short_help="Start the job of one slot now.")
@click.argument("name", metavar="NAME")
@click.option("--slot", metavar="TIME", help="Its logical time, on the schedule's clock unless it has an offset.")
@click.option("--wait", "waits", is_flag=True, help="Wait for the verdict, which is then the exit code.")
@timeout_option
@json_option
def run(name: str, slot: str | None, waits: bool, timeout: str | None, as_json: bool) -> int:
    """Start the job of one slot of schedule NAME now, and print its id; without --slot the slot is now.

    A slot that has its job keeps it. One that was skipped or refused is tried again. Overlap and deadline do not count.
    """
    from scoring.core.durations import seconds
    from scoring.ledger import schedules
    from scoring.ledger.clock import read_clock
    from scoring.pipeline.schedule import start

    waiting = Waiting(wanted=waits, seconds=seconds("--timeout", timeout))
    with open_session() as context:
        line = context.ledger.look(lambda tx: schedules.find(tx, name)).definition.line
        moment = point(slot, "--slot", line) if slot else context.ledger.look(read_clock).replace(microsecond=0)
        submitted = start(context, name, moment)
        if not submitted.created:
            say_it_exists(submitted.job, f"slot {local(moment, line)} of schedule {name}")
        return after_submit(context, submitted, waiting, as_json=as_json)


@click.command(short_help="Queue the slots of past days.")
@click.argument("name", metavar="NAME")
@click.option("--from", "first", required=True, metavar="TIME", help="First slot: 2026-01-01, or a time of that day.")
@click.option("--to", "last", required=True, metavar="TIME", help="Last slot, included; a date is that whole day.")
@click.option("--max-parallel", type=click.IntRange(min=1), metavar="N", help="Live jobs at once; default: no limit.")
@json_option
def backfill(name: str, first: str, last: str, max_parallel: int | None, as_json: bool) -> None:
    """Queue the slots of schedule NAME between two times, both included; the scheduler starts their jobs.

    Times are on the schedule's clock unless they have an offset. Slots that have a job keep it; skipped and refused
    ones are tried again. Slots later than now are left out: their time will come.
    """
    from scoring.ledger import schedules, slots
    from scoring.ledger.clock import read_clock

    with open_ledger() as ledger:
        with ledger.read() as tx:
            line, now = schedules.find(tx, name).definition.line, read_clock(tx)
        wanted = slots_between(line, point(first, "--from", line), min(end_point(last, "--to", line), now))
        asked = ledger.run(
            lambda tx: slots.ask(tx, name, wanted, origin=SlotOrigin.BACKFILL, max_parallel=max_parallel)
        )
    if as_json:
        print_json([{"slot": slot.slot, "state": slot.state, "job_id": slot.job_id} for slot in asked])
        return
    queued = sum(slot.state is SlotState.WAITING for slot in asked)
    say(f"slots queued for the scheduler: {queued}; slots that have their job: {len(asked) - queued}")


def slots_between(line: CronLine, first: datetime, last: datetime) -> list[datetime]:
    """The slots of the line from `first` to `last`. Raises UsageError for disorder, and for more than MOST_SLOTS."""
    if last < first:
        raise UsageError(
            "--from and --to",
            expected="times up to now, the first one first",
            got=f"{local(first, line)} to {local(last, line)}",
            remedy="correct them; slots to come are the scheduler's",
        )
    tick = timedelta(microseconds=1)
    within = takewhile(lambda slot: slot <= last, line.after(first - tick))
    found = list(islice(within, MOST_SLOTS))
    more = sum(1 for _ in islice(within, MOST_COUNTED))
    if more:
        count = f"{MOST_SLOTS + more:,}" if more < MOST_COUNTED else f"more than {MOST_COUNTED:,}"
        raise UsageError(
            "--from and --to", expected=f"at most {MOST_SLOTS:,} slots", got=count, remedy="take them in several steps"
        )
    return found


def point(text: str, option: str, line: CronLine) -> datetime:
    """An ISO date or time, on the clock of the line's zone unless it has an offset. Raises UsageError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            option, expected="2026-01-31 or 2026-01-31T02:00", got=repr(text), remedy="give one of these forms"
        ) from None
    if not 1970 < moment.year < 9999:
        raise UsageError(option, expected="a time after 1970", got=repr(text), remedy="check the year")
    return moment if moment.tzinfo else moment.replace(tzinfo=line.zone)


def end_point(text: str, option: str, line: CronLine) -> datetime:
    """As `point`, but a date alone is the last moment of that day."""
    moment = point(text, option, line)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return moment
    return datetime.combine(day, time.max, tzinfo=line.zone)
