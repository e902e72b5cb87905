"""demo: the whole line on real data, with the commands that a person would type next."""

import socket
from typing import TYPE_CHECKING

import click

from scoring.cli.options import json_option
from scoring.cli.output import cell, print_json, print_table, say
from scoring.cli.session import open_session
from scoring.cli.verdict import job_facts, print_verdict
from scoring.core.states import JobState

if TYPE_CHECKING:
    from scoring.ledger.records import Job
    from scoring.pipeline.context import Context

SHOWN_ROWS = 5

QUERY = """\
SELECT diagnosis, output_label AS predicted, count(*) AS cases, round(avg(output_probability_malignant), 3) AS p
FROM results('{job}') GROUP BY ALL ORDER BY ALL"""


@click.command(short_help="Score real data, measure it, query it; takes seconds.")
@click.option(
    "--rows", type=click.IntRange(min=1), default=500_000, show_default=True, metavar="N", help="Cases scored."
)
@json_option
def demo(rows: int, as_json: bool) -> int:
    """Score real data with a shipped model: tumours measured under a microscope, benign or malignant.

    285 cases that the model has not seen, sampled with replacement. Prints rows, accuracy and a SQL query.
    """
    from scoring.cli.score import work_until_settled

    with open_session() as context:
        job = _submit(context, rows)
        work_until_settled(context, job, slots=None)
        facts = job_facts(context.ledger, job.id)
        if facts["state"] != JobState.SUCCEEDED:
            return print_verdict(facts, as_json=as_json)
        if as_json:
            print_json(facts)
        else:
            _print(context, job)
    return 0


def _submit(context: "Context", rows: int) -> "Job":
    from scoring.core.arguments import job_options
    from scoring.demo import KEY, LABEL, MODEL
    from scoring.demo.enlarge import enlarge
    from scoring.pipeline.prepare import JobRequest
    from scoring.pipeline.submit import submit

    cases = context.settings.home / "demo" / f"cases-{rows}.parquet"
    if not cases.exists():
        say(f"sampling {rows:,} cases into {cases}")
        enlarge(cases, rows)
    request = JobRequest(model=str(MODEL), inputs=(str(cases),), options=job_options(key=KEY, label=LABEL))
    return submit(context, request, runner=f"here:{socket.gethostname()}", ring=False).job


def _print(context: "Context", job: "Job") -> None:
    from scoring.cli.results import show_rows
    from scoring.ledger import jobs, reports
    from scoring.pipeline.query import query
    from scoring.pipeline.results import job_rows

    facts = job_facts(context.ledger, job.id)
    click.echo(f"{facts['rows_scored']:,} cases scored, {facts['rows_per_second']:,.0f} rows/s\n")
    _title(f"scoring results {job.id} --limit {SHOWN_ROWS}")
    rows = job_rows(context.ledger.look(lambda tx: jobs.job(tx, job.id)))
    if rows is not None:
        show_rows(rows.schema.names, rows.to_batches(), SHOWN_ROWS)
    _title(f"scoring accuracy {job.id}")
    figures = context.ledger.look(lambda tx: reports.job_figures(tx, job.id))
    print_table([figure for figure in figures if not figure["detail"]], ("metric", "value", "rows"))
    statement = QUERY.format(job=job.id)
    _title(f'scoring sql "{statement}"')
    with query(context.ledger, statement) as answer:
        show_rows(answer.schema.names, answer.batches, None)
    _title("where it is")
    click.echo(f"input    {cell(job.inputs[0].path)}")
    click.echo(f"result   {cell(facts['output'])}")
    click.echo(f"home     {context.settings.home}")
    click.echo("next     scoring run MODEL.onnx FILES --key COLUMN --label COLUMN -o FOLDER")


def _title(command: str) -> None:
    click.echo(f"\n$ {command}")
