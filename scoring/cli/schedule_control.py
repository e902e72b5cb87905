"""schedule pause, resume, remove."""

from typing import TYPE_CHECKING

import click

from scoring.cli.options import json_option
from scoring.cli.output import print_json, say
from scoring.cli.schedule_words import facts, say_next
from scoring.cli.session import open_ledger

if TYPE_CHECKING:
    from scoring.ledger.database import Tx
    from scoring.ledger.schedules import Schedule


@click.command(short_help="Decide on no further slot until resumed.")
@click.argument("name", metavar="NAME")
@json_option
def pause(name: str, as_json: bool) -> None:
    """Decide on no further slot of NAME until it is resumed. Jobs that have started go on."""
    from scoring.ledger import schedules

    with open_ledger() as ledger:
        _show(ledger.run(lambda tx: schedules.pause(tx, name)), as_json=as_json)


@click.command(short_help="Go on; slots that passed meanwhile are skipped.")
@click.argument("name", metavar="NAME")
@json_option
def resume(name: str, as_json: bool) -> None:
    """Go on with NAME from now. Slots that passed meanwhile are on record as skipped; `schedule run` can start them."""
    with open_ledger() as ledger:
        _show(ledger.run(lambda tx: resume_from_now(tx, name)), as_json=as_json)


@click.command(short_help="Take a schedule away; its slots and jobs stay.")
@click.argument("name", metavar="NAME")
def remove(name: str) -> None:
    """Take schedule NAME away. Its slots, jobs, results and history stay; waiting slots are skipped."""
    from scoring.ledger import schedules

    with open_ledger() as ledger:
        ledger.run(lambda tx: schedules.remove(tx, name))
    say(f"schedule {name} is removed; its slots, jobs and history stay")


def resume_from_now(tx: "Tx", name: str) -> "Schedule":
    """Paused → running: the cursor goes to the first slot after now, and what passed is skipped. Raises NotFound."""
    from scoring.core.schedules.decide import first_after, passed_slots
    from scoring.ledger import schedules
    from scoring.ledger.clock import read_clock

    schedule = schedules.lock(tx, name)
    line, now = schedule.definition.line, read_clock(tx)
    since = schedule.paused_from
    skipped = passed_slots(line, since, now) if since is not None else ()
    return schedules.resume(tx, name, next_slot=first_after(line, now), skipped=skipped)


def _show(schedule: "Schedule", *, as_json: bool) -> None:
    if as_json:
        print_json(facts(schedule))
    else:
        say_next(schedule)
