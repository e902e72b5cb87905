"""results: rows of one job, to look at or to take away."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scoring.cli.options import job_argument, json_option
from scoring.cli.output import print_json_rows, print_table, say
from scoring.cli.session import checked_settings, open_ledger

if TYPE_CHECKING:
    import pyarrow as pa

    from scoring.data.join_input import InputJoin
    from scoring.ledger.records import Job

SHOWN_ROWS = 100
"""Rows that a person is shown without --limit."""


@click.command(short_help="Print the rows of a result, or export them to a file.")
@job_argument
@click.option("-o", "--output", metavar="FILE", help="Export to FILE.csv, FILE.jsonl or FILE.parquet.")
@click.option(
    "--join",
    multiple=True,
    is_flag=False,
    flag_value="",
    metavar="[INPUT]",
    help="Put the input's columns beside the scores; without INPUT those of the files that the job read. Repeatable.",
)
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="The first N rows only.")
@json_option
def results(job: str, output: str | None, join: tuple[str, ...], limit: int | None, as_json: bool) -> None:
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
    schema, batches = dataset.schema, dataset.to_batches()
    joined = _joined(found, schema, join) if join else None
    if joined is not None:
        schema, batches = joined.schema, joined.batches(batches)
    if output is not None:
        from scoring.data.export import export
        from scoring.data.export_target import export_target

        files = (*found.inputs, *(joined.files if joined is not None else ()))
        sources = [file.path for file in files]
        target = export_target(Path(output), store=checked_settings().store, sources=sources)
        rows = export(target, schema, first_rows(batches, limit))
        say(f"{rows:,} rows in {output}")
    elif as_json:
        print_json_rows(first_rows(batches, limit))
    else:
        show_rows(schema.names, batches, limit)
    if joined is not None and joined.unscored:
        say(f"{joined.unscored:,} rows of the input have no score and are left out; `scoring failures` counts rejects")


def _joined(job: "Job", schema: "pa.Schema", inputs: tuple[str, ...]) -> "InputJoin":
    """The join, with a word on what a user may not expect of it."""
    from scoring.pipeline.export import beside_input, changed_since

    roots = checked_settings().input_roots
    joined = beside_input(job, schema, inputs, roots=roots)
    for path in changed_since(job, joined.files):
        say(f"{path} is not as the job saw it; its rows are taken by their position all the same")
    if joined.hidden:
        say(f"left out, for the result has columns of these names: {', '.join(joined.hidden)}")
    return joined


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
