"""results: rows of one job, to look at or to take away."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scoring.cli.options import job_argument, json_option
from scoring.cli.output import print_json_rows, print_table, say
from scoring.cli.session import open_ledger

if TYPE_CHECKING:
    import pyarrow as pa

SHOWN_ROWS = 100
"""Rows that a person is shown without --limit."""


@click.command(short_help="Print the rows of a result, or export them to a file.")
@job_argument
@click.option("-o", "--output", metavar="FILE", help="Export to FILE.csv, FILE.jsonl or FILE.parquet.")
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="The first N rows only.")
@json_option
def results(job: str, output: str | None, limit: int | None, as_json: bool) -> None:
    """Print or export the rows of a job in input order. A job at work shows the parts that it has finished."""
    from scoring.ledger import jobs
    from scoring.pipeline.results import job_rows

    with open_ledger() as ledger:
        found = ledger.look(lambda tx: jobs.find_job(tx, job))
    dataset = job_rows(found)
    if dataset is None:
        say(f"job {found.id} has no row yet; it is {found.state}")
        if as_json:
            print_json_rows(iter(()))
        return
    if output is not None:
        from scoring.data.export import export

        rows = export(Path(output), dataset.schema, first_rows(dataset.to_batches(), limit))
        say(f"{rows:,} rows in {output}")
    elif as_json:
        print_json_rows(first_rows(dataset.to_batches(), limit))
    else:
        show_rows(dataset.schema.names, dataset.to_batches(), limit)


def show_rows(columns: list[str], batches: Iterator["pa.RecordBatch"], limit: int | None) -> None:
    """A table of the first rows, and a word on stderr where there are more."""
    most = SHOWN_ROWS if limit is None else limit
    rows = list(chain.from_iterable(batch.to_pylist() for batch in first_rows(batches, most + 1)))
    print_table(rows[:most], columns, empty="no row")
    if len(rows) > most and limit is None:
        say(f"the first {most} rows; --limit N shows more, -o FILE takes all")


def first_rows(batches: Iterator["pa.RecordBatch"], limit: int | None) -> Iterator["pa.RecordBatch"]:
    """The batches up to `limit` rows; nothing is read beyond."""
    left = limit
    for batch in batches:
        if left is None:
            yield batch
            continue
        yield batch.slice(0, left)
        left -= min(left, batch.num_rows)
        if left == 0:
            return
