"""schedule run, backfill: slots that a person asks for."""

from datetime import datetime

import click

from scoring.cli.options import json_option, timeout_option
from scoring.cli.output import print_json, say
from scoring.cli.schedule_times import day_of, point, slot_meant, slots_between
from scoring.cli.schedule_words import local
from scoring.cli.score import Waiting, after_submit, say_it_exists
from scoring.cli.session import open_ledger, open_session
from scoring.core.errors import UsageError
from scoring.core.schedules.cron import CronLine
from scoring.core.schedules.policies import SlotOrigin, SlotState


@click.command(short_help="Start the job of one slot now.")
@click.argument("name", metavar="NAME")
@click.option("--slot", metavar="TIME", help="Its time, or the day that it is the slot of, on the schedule's clock.")
@click.option("--wait", "waits", is_flag=True, help="Wait for the verdict, which is then the exit code.")
@timeout_option
@json_option
def run(name: str, slot: str | None, waits: bool, timeout: str | None, as_json: bool) -> int:
    """Start the job of one slot of schedule NAME now, and print its id; without --slot the slot is now.

    A day alone is the slot of that day. A slot that has its job keeps it; one that was skipped or refused is tried
    again. Overlap and deadline do not count.
    """
    from scoring.core.durations import seconds
    from scoring.ledger import schedules, slots
    from scoring.ledger.clock import read_clock
    from scoring.pipeline.schedule import start

    waiting = Waiting(wanted=waits, seconds=seconds("--timeout", timeout))
    with open_session() as context:
        with context.ledger.read() as tx:
            line, now = schedules.find(tx, name).definition.line, read_clock(tx)
            moment = now.replace(microsecond=0)
            if slot is not None:
                moment = slot_meant(slot, line, now, lambda at: slots.find_slot(tx, name, at) is not None)
        submitted = start(context, name, moment)
        if not submitted.created:
            say_it_exists(submitted.job, f"slot {local(moment, line)} of schedule {name}")
        return after_submit(context, submitted, waiting, as_json=as_json)


@click.command(short_help="Queue the slots of past days.")
@click.argument("name", metavar="NAME")
@click.option("--from", "first", metavar="TIME", help="First slot: 2026-01-01, or a time of that day.")
@click.option("--to", "last", metavar="TIME", help="Last slot, included; a date is that whole day.")
@click.option("--max-parallel", type=click.IntRange(min=1), metavar="N", help="Live jobs at once; default: no limit.")
@click.option("--stop", is_flag=True, help="Skip what is still in line, in place of --from and --to.")
@json_option
def backfill(
    name: str, first: str | None, last: str | None, max_parallel: int | None, stop: bool, as_json: bool
) -> None:
    """Queue the slots of schedule NAME between two times, both included; the scheduler starts their jobs.

    Times are on the schedule's clock unless they have an offset. Slots that have a job keep it; skipped and refused
    ones are tried again. Slots later than now are left out: their time will come. --stop skips the slots that are still
    in line; jobs that were made go on.
    """
    if stop and (first, last, max_parallel) == (None, None, None):
        _stop(name, as_json=as_json)
    elif first is None or last is None or stop:
        got = [option for option, given in (("--from", first), ("--to", last), ("--stop", stop)) if given]
        raise UsageError(
            "backfill",
            expected="both --from and --to, or --stop alone",
            got=", ".join(got) or "neither",
            remedy="for example --from 2026-01-01 --to 2026-01-31",
        )
    else:
        _queue(name, first, last, max_parallel, as_json=as_json)


def _queue(name: str, first: str, last: str, max_parallel: int | None, *, as_json: bool) -> None:
    from scoring.ledger import schedules, slots
    from scoring.ledger.clock import read_clock

    with open_ledger() as ledger:
        with ledger.read() as tx:
            line, now = schedules.find(tx, name).definition.line, read_clock(tx)
        wanted = slots_between(line, point(first, "--from", line), min(_end(last, line), now))
        asked = ledger.run(
            lambda tx: slots.ask(tx, name, wanted, origin=SlotOrigin.BACKFILL, max_parallel=max_parallel)
        )
    if as_json:
        print_json([{"slot": slot.slot, "state": slot.state, "job_id": slot.job_id} for slot in asked])
        return
    queued = sum(slot.state is SlotState.WAITING for slot in asked)
    say(f"slots queued for the scheduler: {queued}; slots that have their job: {len(asked) - queued}")


def _stop(name: str, *, as_json: bool) -> None:
    from scoring.ledger import slots

    with open_ledger() as ledger:
        stopped = ledger.run(lambda tx: slots.stop_backfill(tx, name))
    if as_json:
        print_json({"schedule": name, "stopped": stopped})
    else:
        say(f"slots taken out of the line: {stopped}; jobs that were made go on")


def _end(text: str, line: CronLine) -> datetime:
    """As `point`, but a date alone is the last moment of that day."""
    day = day_of(text, "--to", line)
    return day[1] if day is not None else point(text, "--to", line)
