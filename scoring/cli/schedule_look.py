"""schedule list, show, next, history: questions."""

from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

import click

from scoring.cli.options import json_option
from scoring.cli.output import Row, print_facts, print_json, print_table
from scoring.cli.schedule_words import facts, local
from scoring.cli.session import open_ledger

if TYPE_CHECKING:
    from scoring.ledger.schedules import Schedule, ScheduleRevision

LISTED = (
    *("schedule", "cron", "timezone", "model", "paused", "next_slot"),
    *("last_slot", "last_slot_state", "last_job_id", "last_job_state", "late"),
)
SLOT_COLUMNS = ("slot", "state", "reason", "origin", "job_id", "job_state", "late", "error")

SLOTS_SHOWN = 10
"""Newest slots that `show` lists; the view `schedule_slots` has them all."""


@click.command("list", short_help="List schedules: next slot, last job, what is late.")
@json_option
def list_(as_json: bool) -> None:
    """List schedules: when they fire next, what became of the last slot, and which are late."""
    from scoring.ledger import reports

    with open_ledger() as ledger:
        rows = ledger.look(reports.schedules)
    if as_json:
        print_json(rows)
    else:
        print_table(rows, LISTED, empty="no schedule; scoring schedule add makes one")


@click.command(short_help="Show one: definition, newest slots, history.")
@click.argument("name", metavar="NAME")
@json_option
def show(name: str, as_json: bool) -> None:
    """Show schedule NAME: its definition, in words too, its newest slots, and what was changed about it."""
    from scoring.ledger import reports, schedules

    with open_ledger() as ledger, ledger.read() as tx:
        schedule = schedules.find(tx, name)
        slots = reports.schedule_slots(tx, name, limit=SLOTS_SHOWN)
        changes = _changes(schedules.history(tx, name))
    if as_json:
        print_json({**facts(schedule), "slots": slots, "history": changes})
        return
    print_facts(facts(schedule))
    click.echo()
    print_table(slots, SLOT_COLUMNS, empty="no slot yet")
    click.echo()
    print_table(changes, ("revision", "changed_at", "change", "what"))


@click.command("next", short_help="Show when schedules fire next.")
@click.argument("name", metavar="[NAME]", required=False)
@click.option("--count", type=click.IntRange(1, 1000), default=5, show_default=True, metavar="N", help="Times of each.")
@json_option
def next_(name: str | None, count: int, as_json: bool) -> None:
    """Show when schedule NAME, or each of them, fires next: on its own clock and in UTC. Paused ones do not fire."""
    from scoring.ledger import schedules

    with open_ledger() as ledger, ledger.read() as tx:
        found = [schedules.find(tx, name)] if name else schedules.all_schedules(tx)
    rows = sorted((row for schedule in found for row in _times(schedule, count)), key=lambda row: str(row["slot"]))
    if as_json:
        print_json(rows)
    else:
        print_table(rows, ("schedule", "local", "slot", "in_words"), empty=_silent(found))


@click.command(short_help="Show what was changed about a schedule, and when.")
@click.argument("name", metavar="NAME")
@json_option
def history(name: str, as_json: bool) -> None:
    """Show what was changed about schedule NAME, and when; for one that was removed, too."""
    from scoring.ledger import schedules

    with open_ledger() as ledger, ledger.read() as tx:
        changes = _changes(schedules.history(tx, name))
        if not changes:
            schedules.find(tx, name)  # raises, with a guess at what was meant
    if as_json:
        print_json(changes)
    else:
        print_table(changes, ("revision", "changed_at", "change", "what"))


def _times(schedule: "Schedule", count: int) -> list[Row]:
    line = schedule.definition.line
    if schedule.paused:
        return []
    words = line.in_words()
    return [
        {"schedule": schedule.name, "slot": slot, "local": local(slot, line), "in_words": words}
        for slot in islice(line.after(datetime.now(UTC)), count)
    ]


def _silent(found: "list[Schedule]") -> str:
    if not found:
        return "no schedule; scoring schedule add makes one"
    return "nothing fires: " + ", ".join(f"{schedule.name} is paused" for schedule in found if schedule.paused)


def _changes(revisions: "list[ScheduleRevision]") -> list[Row]:
    """Lines of the history with what each of them changed."""
    rows: list[Row] = []
    for before, revision in zip([None, *revisions], revisions, strict=False):
        old = before.definition if before is not None else None
        rows.append(
            {
                "revision": revision.revision,
                "changed_at": revision.changed_at,
                "change": revision.change.value,
                "what": {} if old is None else _differences(old.changed(revision.definition)),
            }
        )
    return rows


def _differences(changed: list[tuple[str, object, object]]) -> dict[str, str]:
    return {field: f"{shown(old)} → {shown(new)}" for field, old, new in changed}


def shown(value: object) -> str:
    """A value of a field in a line of differences."""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "none" if value is None else str(value)
