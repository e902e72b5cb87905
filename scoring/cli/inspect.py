"""failures and accuracy: what went wrong, and how good the rest is."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scoring.cli.options import job_argument, json_option
from scoring.cli.output import cell, print_json, print_table, say
from scoring.cli.session import open_ledger
from scoring.core.columns import RejectCode
from scoring.core.errors import UsageError

if TYPE_CHECKING:
    from scoring.ledger.database import Ledger

Record = dict[str, Any]

EXAMPLES = 3
"""Rejected rows shown for each reason."""


@click.command(short_help="Show failed attempts and rejected rows, by reason.")
@job_argument
@json_option
def failures(job: str, as_json: bool) -> None:
    """Show the failed attempts of a job, and its rejected rows by reason, with examples."""
    from scoring.data.reject_examples import reject_examples, reject_files
    from scoring.ledger import jobs, reports

    with open_ledger() as ledger:
        found = ledger.look(lambda tx: jobs.find_job(tx, job))
        attempts = ledger.look(lambda tx: reports.failed_attempts(tx, found.id))
        totals = ledger.look(lambda tx: reports.reject_totals(tx, found.id))
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
    if as_json:
        print_json({"attempts": attempts, "rejects": rejects})
        return
    _print_attempts(attempts)
    _print_rejects(rejects)
    if not attempts and not rejects:
        say(f"job {found.id}: no failed attempt, no rejected row")


@click.command(short_help="Show the metrics of a job, of its chunks, or over time.")
@click.argument("job", metavar="[JOB]", required=False)
@click.option("--model", metavar="NAME", help="All jobs of this model, the newest first.")
@click.option("--by", type=click.Choice(["chunk"]), help="One line per chunk.")
@json_option
def accuracy(job: str | None, model: str | None, by: str | None, as_json: bool) -> None:
    """Show how accurate a batch was, exact over all its labelled rows; without JOB and --model the last one."""
    if model is not None and (job is not None or by is not None):
        raise UsageError(
            "--model", expected="neither JOB nor --by beside it", got=job or f"--by {by}", remedy="give one"
        )
    with open_ledger() as ledger:
        figures = _of_model(ledger, model) if model is not None else _of_job(ledger, job or "last", by)
    if as_json:
        print_json(figures)
    else:
        _print_figures(figures)


def _of_job(ledger: "Ledger", reference: str, by: str | None) -> list[Record]:
    from scoring.ledger import jobs, reports

    found = ledger.look(lambda tx: jobs.find_job(tx, reference))
    ask = reports.chunk_figures if by == "chunk" else reports.job_figures
    return [{"job_id": found.id, **figure} for figure in ledger.look(lambda tx: ask(tx, found.id))]


def _of_model(ledger: "Ledger", model: str) -> list[Record]:
    from scoring.ledger import models, reports

    version = ledger.look(lambda tx: models.find_model(tx, model))
    columns, rows = ledger.look(lambda tx: reports.view(tx, "batch_accuracy"))
    found = [dict(zip(columns, row, strict=True)) for row in rows]
    own = [figure for figure in found if figure["model"] == version.name and figure["finished_at"] is not None]
    return sorted(own, key=lambda figure: (figure["finished_at"], figure["job_id"], figure["metric"]), reverse=True)


def _print_figures(figures: list[Record]) -> None:
    columns = ["metric", "value", "rows", "coverage", "reason"]
    for name in ("chunk", "job_id", "finished_at"):
        if len({figure.get(name) for figure in figures}) > 1:
            columns.insert(0, name)
    if any(figure.get("bound") for figure in figures):
        columns.append("bound")
    shown = [figure for figure in figures if not figure.get("detail")]
    print_table(shown, columns, empty="no accuracy: the job had no --label, or has not ended")
    for figure in figures:
        if figure.get("detail"):
            _print_matrix(figure["detail"])


def _print_matrix(detail: Record) -> None:
    click.echo("\nconfusion matrix (rows: truth, columns: predicted)")
    labels = [str(label) for label in detail["labels"]]
    lines = [
        {"": label, **dict(zip(labels, counts, strict=True))}
        for label, counts in zip(labels, detail["counts"], strict=True)
    ]
    print_table(lines, ["", *labels])


def _print_attempts(attempts: list[Record]) -> None:
    if attempts:
        click.echo("failed attempts")
        print_table(attempts, ("kind", "chunk", "attempt", "failed_at", "error_code", "error"))


def _print_rejects(rejects: list[Record]) -> None:
    for reject in rejects:
        where = f" in column {cell(reject['column'])}" if reject["column"] else ""
        click.echo(f"{reject['rows']:,} rows rejected: {reject['code']}{where}")
        for example in reject["examples"]:
            line = "" if example["line"] is None else f":{example['line']}"
            click.echo(f"  {cell(example['file'])}{line}  {cell(example['reason'])}  {cell(example['raw'])}")
