"""failures: what went wrong, and what was decided about rows that went to the model."""

from pathlib import Path
from typing import Any

import click

from scoring.cli.options import job_argument, json_option
from scoring.cli.output import cell, print_json, print_table, say
from scoring.cli.session import open_ledger
from scoring.core.columns import RejectCode

Record = dict[str, Any]

EXAMPLES = 3
"""Rejected rows shown for each reason."""


@click.command(short_help="Show failed attempts and rejected rows, by reason.")
@job_argument
@json_option
def failures(job: str, as_json: bool) -> None:
    """Show the failed attempts of a job, its rejected rows by reason, with examples, and what was decided about rows
    that went to the model."""
    from scoring.data.reject_examples import reject_examples, reject_files
    from scoring.ledger import jobs, reports

    with open_ledger() as ledger:
        found = ledger.look(lambda tx: jobs.find_job(tx, job))
        attempts = ledger.look(lambda tx: reports.failed_attempts(tx, found.id))
        totals = ledger.look(lambda tx: reports.reject_totals(tx, found.id))
        decided = ledger.look(lambda tx: reports.warning_totals(tx, found.id))
    files = reject_files(Path(found.output), found.id) if totals else []
    rejects = [
        {
            "code": total["code"],
            "column": total["column_name"],
            "rows": total["rows"],
            "examples": reject_examples(files, RejectCode(total["code"]), total["column_name"], most=EXAMPLES),
        }
        for total in totals
    ]
    warnings = [{"code": row["code"], "column": row["column_name"], "rows": row["rows"]} for row in decided]
    if as_json:
        print_json({"attempts": attempts, "rejects": rejects, "warnings": warnings})
        return
    _print_attempts(attempts)
    _print_rejects(rejects)
    _print_warnings(warnings)
    if not attempts and not rejects and not warnings:
        say(f"job {found.id}: no failed attempt, no rejected row, nothing decided about any row")


def _print_attempts(attempts: list[Record]) -> None:
    if attempts:
        click.echo("failed attempts")
        print_table(attempts, ("kind", "chunk", "attempt", "failed_at", "error_code", "error"))


def _print_rejects(rejects: list[Record]) -> None:
    for reject in rejects:
        where = f" in column {cell(reject['column'])}" if reject["column"] else ""
        rows = "1 row" if reject["rows"] == 1 else f"{reject['rows']:,} rows"
        click.echo(f"{rows} rejected: {reject['code']}{where}")
        for example in reject["examples"]:
            line = "" if example["line"] is None else f":{example['line']}"
            click.echo(f"  {cell(example['file'])}{line}  {cell(example['reason'])}  {cell(example['raw'])}")


def _print_warnings(warnings: list[Record]) -> None:
    for warning in warnings:
        click.echo(f"{warning['rows']:,} rows with {warning['code']} in column {cell(warning['column'])}")
