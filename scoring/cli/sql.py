"""sql: one SELECT over the ledger's views and the results, or many, one after the other."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scoring.cli.options import json_option
from scoring.cli.output import print_json_rows, say
from scoring.cli.results import show_rows
from scoring.cli.session import checked_settings, open_ledger
from scoring.cli.sql_columns import readable
from scoring.cli.sql_text import parameters, statement
from scoring.core.durations import seconds
from scoring.core.errors import UsageError

if TYPE_CHECKING:
    from scoring.data.export_target import ExportTarget
    from scoring.ledger.database import Ledger
    from scoring.query.engine import Rows

FORMATS = ("table", "csv", "json", "parquet")

DEFAULT_TIMEOUT = "10m"
"""Nobody waits longer for an answer by mistake, and no forgotten query keeps a machine busy."""


@dataclass(frozen=True, kw_only=True)
class Answering:
    """How a statement is answered."""

    ledger: "Ledger"
    # One of FORMATS.
    form: str
    # A file instead of stdout.
    output: Path | None
    # Rows of a table at most; None: as many as a person is shown.
    limit: int | None
    # Longest time of the statement; None: until it ends.
    seconds: float | None

    def answer(self, sql: str, values: Mapping[str, object]) -> None:
        """Ask, and print or export the rows while they come. Raises what `pipeline.query.query` raises."""
        target = None if self.output is None else _target(self.output)
        with self._ask(sql, values) as rows:
            if target is not None:
                _export(rows, target, str(self.output))
            else:
                _print(rows, self.form, self.limit)

    @contextmanager
    def _ask(self, sql: str, values: Mapping[str, object]) -> Iterator["Rows"]:
        from scoring.data.spill import spill_folder
        from scoring.pipeline.query import query
        from scoring.query.engine import QueryLimits

        with spill_folder(checked_settings().home) as spill:
            limits = QueryLimits(seconds=self.seconds, spill=spill)
            with query(self.ledger, sql, limits, values) as rows, readable(rows, self._written()) as told:
                yield told

    def _written(self) -> str:
        return self.form if self.output is None else self.output.suffix.lower().removeprefix(".")


@click.command(short_help="Ask one SELECT over the ledger's views and the results.")
@click.argument("query", metavar="[QUERY]", required=False)
@click.option("-f", "--file", metavar="FILE", help="Read the query from FILE; - is stdin.")
@click.option("-p", "--param", multiple=True, metavar="NAME=VALUE", help="A value for $NAME; repeatable.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True, help="Of the answer.")
@click.option("-o", "--output", metavar="FILE", help="Write FILE.csv, FILE.jsonl or FILE.parquet instead.")
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="Rows of a table at most; default 100.")
@click.option(
    "--timeout",
    metavar="DURATION",
    default=DEFAULT_TIMEOUT,
    show_default=True,
    help="Stop the query after this long: 90s, 30m; 0 lets it run.",
)
@json_option
def sql(
    query: str | None,
    file: str | None,
    param: tuple[str, ...],
    form: str,
    output: str | None,
    limit: int | None,
    timeout: str,
    as_json: bool,
) -> None:
    """Ask one SELECT, as DuckDB writes it, over the views and the results. `-` reads the query from stdin.

    Views: job_progress, chunk_progress, job_failures, batch_accuracy, chunk_accuracy, batch_drift, job_rejects,
    processes and more (SHOW TABLES); rows: results('JOB'), rejects('JOB'), and for each registered model
    results_<model> and latest_<model>. Without a query, a prompt.
    """
    longest, text, values = seconds("--timeout", timeout), statement(query, file), parameters(param)
    if text is None and (values or output is not None):
        raise UsageError("-p and -o go with a query", expected="QUERY or -f FILE", got="none", remedy="give one")
    with open_ledger() as ledger:
        answering = Answering(
            ledger=ledger,
            form="json" if as_json else form,
            output=None if output is None else Path(output),
            limit=limit,
            seconds=longest or None,
        )
        if text is not None:
            answering.answer(text, values)
        else:
            _prompt(answering)


def _prompt(answering: Answering) -> None:
    from scoring.cli.sql_prompt import converse
    from scoring.pipeline.query import columns_of_all

    columns = columns_of_all(answering.ledger)
    converse(lambda text: answering.answer(text, {}), columns, checked_settings().home)


def _target(path: Path) -> "ExportTarget":
    from scoring.data.export_target import export_target

    # What a query reads lies among the files of jobs: no other source needs a name.
    return export_target(path, store=checked_settings().store, sources=())


def _export(rows: "Rows", target: "ExportTarget", name: str) -> None:
    from scoring.data.export import export

    say(f"{export(target, rows.schema, rows.batches):,} rows in {name}")


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
