"""sql: one SELECT over the ledger's views and the results."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scoring.cli.options import json_option
from scoring.cli.output import print_json_rows, say
from scoring.cli.results import show_rows
from scoring.cli.session import open_ledger
from scoring.core.durations import seconds
from scoring.core.errors import UsageError

if TYPE_CHECKING:
    from scoring.query.engine import Rows

FORMATS = ("table", "csv", "json", "parquet")


@click.command(short_help="Ask one SELECT over the ledger's views and the results.")
@click.argument("query", metavar="QUERY")
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True, help="Of the answer.")
@click.option("-o", "--output", metavar="FILE", help="Write FILE.csv, FILE.jsonl or FILE.parquet instead.")
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="Rows of a table at most; default 100.")
@click.option("--timeout", metavar="DURATION", help="Stop the query after this long: 90s, 30m.")
@json_option
def sql(query: str, form: str, output: str | None, limit: int | None, timeout: str | None, as_json: bool) -> None:
    """Ask one SELECT, as DuckDB writes it, over the views and the results. `-` reads the query from stdin.

    Views: job_progress, chunk_progress, job_failures, batch_accuracy, chunk_accuracy, batch_drift, job_rejects,
    processes; rows: results('JOB'), and for each registered model results_<model> and latest_<model>.
    """
    from scoring.pipeline.query import query as ask
    from scoring.query.engine import QueryLimits

    longest = seconds("--timeout", timeout)
    text = sys.stdin.read() if query == "-" else query
    with open_ledger() as ledger, ask(ledger, text, QueryLimits(seconds=longest)) as rows:
        if output is not None:
            _export(rows, Path(output))
        else:
            _print(rows, "json" if as_json else form, limit)


def _export(rows: "Rows", path: Path) -> None:
    from scoring.data.export import export

    say(f"{export(path, rows.schema, rows.batches):,} rows in {path}")


def _print(rows: "Rows", form: str, limit: int | None) -> None:
    if form == "table":
        show_rows(rows.schema.names, rows.batches, limit)
    elif form == "json":
        print_json_rows(rows.batches)
    else:
        _print_bytes(rows, form)


def _print_bytes(rows: "Rows", form: str) -> None:
    from scoring.data.export import write_csv, write_parquet

    if form == "parquet" and sys.stdout.isatty():
        raise UsageError(
            "--format parquet",
            expected="a file or a pipe",
            got="a terminal",
            remedy="-o FILE.parquet, or > FILE.parquet",
        )
    write = write_csv if form == "csv" else write_parquet
    write(sys.stdout.buffer, rows.schema, rows.batches)
