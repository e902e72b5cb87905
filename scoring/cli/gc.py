"""gc: what schedules no longer keep."""

from typing import TYPE_CHECKING

import click

from scoring.cli.options import json_option
from scoring.cli.output import print_json, print_table, say
from scoring.cli.session import open_session
from scoring.core.durations import seconds
from scoring.core.errors import UsageError

if TYPE_CHECKING:
    from scoring.pipeline.retention import Swept

LEAST_SECONDS = 3600
"""A file that is being written may be younger."""


@click.command(short_help="Remove the batches that schedules no longer keep.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and leave it.")
@click.option(
    "--older-than", default="30d", metavar="DURATION", help="Leftovers that no job needs go at this age; default 30d."
)
@json_option
def gc(dry_run: bool, older_than: str, as_json: bool) -> int:
    """Remove batches beyond their schedule's --keep: files, tables and rows together.

    The ledger keeps one row and the figures of each.
    """
    age = seconds("--older-than", older_than) or 0.0
    if age < LEAST_SECONDS:
        raise UsageError("--older-than", expected="1h or more", got=older_than, remedy="jobs at work have files, too")
    from scoring.ledger.roles import require_owner
    from scoring.pipeline.retention import sweep

    with open_session() as context:
        if not dry_run:
            context.ledger.look(require_owner)
        swept = list(sweep(context, leftovers_seconds=age, dry_run=dry_run))
    if as_json:
        print_json([record.to_json() for record in swept])
    else:
        _print(swept, dry_run=dry_run)
    for record in swept:
        for line in (*record.notes, *map(str, record.errors)):
            say(line)
    return next((error.exit_code for record in swept for error in record.errors), 0)


def _print(swept: list["Swept"], *, dry_run: bool) -> None:
    rows = [
        {
            "schedule": record.schedule or "(leftovers)",
            "jobs": len(record.jobs),
            "files": record.files,
            "bytes": record.bytes,
        }
        for record in swept
    ]
    print_table(rows, ("schedule", "jobs", "files", "bytes"), empty="nothing to remove")
    if rows and dry_run:
        say("nothing was removed: --dry-run")
