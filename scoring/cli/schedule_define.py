"""schedule add, edit."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scoring.cli.options import json_option
from scoring.cli.output import print_json
from scoring.cli.schedule_fields import NAMES, as_written, read, rooted, schedule_options
from scoring.cli.schedule_words import facts, say_next
from scoring.cli.session import open_session
from scoring.core.errors import UsageError
from scoring.core.schedules.decide import first_after

if TYPE_CHECKING:
    from scoring.ledger.database import Tx
    from scoring.ledger.schedules import Schedule
    from scoring.pipeline.context import Context


@click.command(short_help="Make a schedule: when, which model, which input.")
@click.argument("name", metavar="NAME")
@schedule_options
@json_option
def add(name: str, as_json: bool, **options: Any) -> None:
    """Make the schedule NAME: a job of --model over --input at each time of --cron.

    Input, output, idempotency key and tags may name the slot, the logical time of the job: {slot:%Y-%m-%d},
    {slot-1d:%Y-%m-%d}, {slot}; and {name}. Relative paths are taken from here.
    """
    from scoring.ledger import schedules
    from scoring.ledger.clock import read_clock

    definition = read(name, rooted(as_written(options), Path.cwd()))
    with open_session() as context:
        check_model(context, definition.model, definition.arguments.get("spec"))
        made = context.ledger.run(
            lambda tx: schedules.add(tx, definition, next_slot=first_after(definition.line, read_clock(tx)))
        )
    _print(made, as_json=as_json)


@click.command(short_help="Change what is given of a schedule, and nothing else.")
@click.argument("name", metavar="NAME")
@schedule_options
@click.option("--without", multiple=True, metavar="OPTION", help="Back to its default, such as strict; repeatable.")
@json_option
def edit(name: str, as_json: bool, without: tuple[str, ...], **options: Any) -> None:
    """Change the options that are given of schedule NAME; the others stay. Jobs that have started are not touched.

    An empty text, such as --deadline '', is the same as --without deadline.
    """
    from scoring.ledger import schedules
    from scoring.ledger.clock import read_clock

    given = rooted(as_written(options), Path.cwd())
    dropped = _dropped(without)
    with open_session() as context:
        before = context.ledger.look(lambda tx: schedules.find(tx, name))
        if not given and not dropped:
            raise UsageError(
                "schedule edit", expected="an option to change", got="none", remedy="`scoring schedule edit --help`"
            )
        kept = {option: value for option, value in before.definition.as_written().items() if option not in dropped}
        definition = read(name, {**kept, **given})
        check_model(context, definition.model, definition.arguments.get("spec"))

        def change(tx: "Tx") -> "Schedule":
            check_unchanged(tx, before)
            return schedules.edit(tx, definition, next_slot=first_after(definition.line, read_clock(tx)))

        changed = context.ledger.run(change)
    _print(changed, as_json=as_json)


def check_model(context: "Context", model: str, spec: str | None) -> None:
    """As slots will find it: paths are absolute. Raises NotFound for an unknown name, InputMissing for a file."""
    from scoring.pipeline.model_files import find_model

    find_model(context, model, spec, may_be_here=False)


def check_unchanged(tx: "Tx", before: "Schedule") -> None:
    """Hold the schedule. Raises UsageError where somebody has changed it since, NotFound where it is gone."""
    from scoring.ledger import schedules

    if schedules.lock(tx, before.name).revision != before.revision:
        raise UsageError(
            f"schedule {before.name} was changed meanwhile",
            expected="the schedule as it was read",
            got="another revision",
            remedy="do it again; nothing was changed",
        )


def _dropped(without: tuple[str, ...]) -> set[str]:
    dropped = {option.removeprefix("--").replace("-", "_") for option in without}
    unknown = dropped - set(NAMES)
    if unknown:
        raise UsageError(
            "--without", expected="one of " + ", ".join(NAMES), got=", ".join(sorted(unknown)), remedy="name an option"
        )
    return dropped


def _print(schedule: "Schedule", *, as_json: bool) -> None:
    if as_json:
        print_json(facts(schedule))
    else:
        say_next(schedule)
