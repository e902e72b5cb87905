"""schedule apply: what a file says and what the ledger holds, compared, shown, and made alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scoring.cli.options import json_option
from scoring.cli.output import Row, print_json, say
from scoring.cli.schedule_define import check_model, check_unchanged
from scoring.cli.schedule_file import read_file
from scoring.cli.schedule_look import shown
from scoring.cli.session import open_session
from scoring.core.errors import ScoringError
from scoring.core.schedules.decide import first_after
from scoring.core.schedules.definition import ScheduleDefinition

if TYPE_CHECKING:
    from scoring.ledger.database import Tx
    from scoring.ledger.schedules import Schedule


class Change(StrEnum):
    """What applying does to one schedule."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    UNCHANGED = "unchanged"


_MARKS = {Change.ADDED: "+", Change.CHANGED: "~", Change.REMOVED: "-", Change.UNCHANGED: "="}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One schedule: how it stands, how the file has it, and what that comes to."""

    name: str
    change: Change
    # (field, old, new): what the ledger holds, what the file says.
    fields: Sequence[tuple[str, object, object]] = ()
    # As it was compared; None: it does not exist.
    before: "Schedule | None" = None
    # None: it is to go.
    definition: ScheduleDefinition | None = None


@click.command(short_help="Bring the schedules in line with a file, diff first.")
@click.option("-f", "--file", "file", required=True, metavar="FILE", help="YAML: schedules, a name for each.")
@click.option("--prune", is_flag=True, help="Remove schedules that an earlier apply made and the file lacks.")
@click.option("--dry-run", is_flag=True, help="Show the differences alone.")
@json_option
def apply(file: str, prune: bool, dry_run: bool, as_json: bool) -> None:
    """Bring the schedules in line with FILE. What differs is shown first; all of it is changed at once, or nothing.

    Relative paths are taken from the folder of the file. A schedule made by hand is left alone unless FILE names it.
    """
    from scoring.ledger import schedules

    entries, problems = read_file(Path(file))
    with open_session() as context:
        for entry in entries:
            try:
                if entry.model:
                    check_model(context, entry.model, entry.spec)
            except ScoringError as error:
                problems.add(entry.model_at, entry.name, error)
        problems.check()
        held = context.ledger.look(schedules.all_schedules)
        wanted = [entry.definition for entry in entries if entry.definition is not None]
        steps = compare(held, wanted, prune=prune)
        _show(steps, as_json=as_json)
        if not dry_run:
            context.ledger.run(lambda tx: _apply(tx, steps))
    if not as_json:
        say("nothing was changed" if dry_run else _count(steps))


def compare(held: "Sequence[Schedule]", wanted: Sequence[ScheduleDefinition], *, prune: bool) -> list[Step]:
    """What is to be done, by name. A schedule made by hand that the file names becomes one of the file's."""
    before = {schedule.name: schedule for schedule in held}
    steps = [_step(before.get(definition.name), definition) for definition in wanted]
    named = {definition.name for definition in wanted}
    if prune:
        steps += [
            Step(name=schedule.name, change=Change.REMOVED, before=schedule)
            for schedule in held
            if schedule.managed and schedule.name not in named
        ]
    return sorted(steps, key=lambda step: step.name)


def _step(before: "Schedule | None", definition: ScheduleDefinition) -> Step:
    if before is None:
        return Step(name=definition.name, change=Change.ADDED, definition=definition)
    fields = before.definition.changed(definition)
    if not before.managed:
        fields = [*fields, ("managed", False, True)]
    change = Change.CHANGED if fields else Change.UNCHANGED
    return Step(name=definition.name, change=change, fields=fields, before=before, definition=definition)


def _apply(tx: "Tx", steps: Sequence[Step]) -> None:
    from scoring.ledger import schedules
    from scoring.ledger.clock import read_clock

    now = read_clock(tx)
    for step in steps:
        if step.before is not None:
            check_unchanged(tx, step.before)
        if step.definition is None:
            schedules.remove(tx, step.name)
        elif step.before is None:
            schedules.add(tx, step.definition, next_slot=first_after(step.definition.line, now), managed=True)
        elif step.change is Change.CHANGED:
            schedules.edit(tx, step.definition, next_slot=first_after(step.definition.line, now), managed=True)


def _show(steps: Sequence[Step], *, as_json: bool) -> None:
    if as_json:
        print_json([_facts(step) for step in steps])
        return
    for step in steps:
        what = f"  {step.definition.line.in_words()}" if step.change is Change.ADDED and step.definition else ""
        click.echo(f"{_MARKS[step.change]} {step.name}{what}")
        for field, old, new in step.fields:
            click.echo(f"    {field}: {shown(old)} → {shown(new)}")


def _facts(step: Step) -> Row:
    fields = [{"field": field, "old": old, "new": new} for field, old, new in step.fields]
    return {"schedule": step.name, "change": step.change, "fields": fields}


def _count(steps: Sequence[Step]) -> str:
    counts = ((change, sum(step.change is change for step in steps)) for change in Change)
    return ", ".join(f"{count} {change}" for change, count in counts if count) or "the file has no schedule"
