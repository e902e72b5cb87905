"""The two programs, ``scoring`` and ``submit-job``, and the table of all commands."""

import os
import sys
from contextlib import suppress
from typing import NoReturn

import click

from scoring.cli.errors import run_command
from scoring.cli.lazy import Entry, LazyGroup

SECTIONS: dict[str, tuple[Entry, ...]] = {
    "Score": (
        Entry("run", "scoring.cli.score:run", "Score files here and now, with a progress bar."),
        Entry("submit", "scoring.cli.score:submit", "Record a job for the workers and print its id."),
        Entry("plan", "scoring.cli.score:plan", "Show what a job would read, feed and write, without a job."),
    ),
    "Follow and control": (
        Entry("status", "scoring.cli.follow:status", "Show one job."),
        Entry("jobs", "scoring.cli.follow:jobs", "List jobs, the newest first."),
        Entry("wait", "scoring.cli.follow:wait", "Wait until a job has ended; its verdict is the exit code."),
        Entry("cancel", "scoring.cli.control:cancel", "Stop a job for good."),
        Entry("retry", "scoring.cli.control:retry", "Queue what failed of a failed job again."),
        Entry("resume", "scoring.cli.control:resume", "Go on with an interrupted job of `scoring run`."),
        Entry("gc", "scoring.cli.gc:gc", "Remove the batches that schedules no longer keep."),
    ),
    "Look at what came out": (
        Entry("results", "scoring.cli.results:results", "Print the rows of a result, or export them to a file."),
        Entry("failures", "scoring.cli.failures:failures", "Show failed attempts and rejected rows, by reason."),
        Entry("audit", "scoring.cli.audit:audit", "Prove a job that has ended again, from its files and its rows."),
        Entry("labels", "scoring.cli.labels:labels", "Attach ground truth that came later; accuracy is recomputed."),
        Entry("accuracy", "scoring.cli.accuracy:accuracy", "Show the metrics of a job, of its chunks, or over time."),
        Entry("sql", "scoring.cli.sql:sql", "Ask one SELECT over the ledger's views and the results."),
    ),
    "Schedules": (Entry("schedule", "scoring.cli.schedule:schedule", "Make and control cron batches."),),
    "Models": (Entry("model", "scoring.cli.model:model", "Register models, list, name and remove them."),),
    "Deploy": (
        Entry("worker", "scoring.cli.serve:worker", "Work on jobs until stopped."),
        Entry("scheduler", "scoring.cli.serve:scheduler", "Fire schedules, ring what is due, rescue what was lost."),
        Entry("db", "scoring.cli.database:db", "Upgrade or check the ledger's schema; make roles."),
        Entry("doctor", "scoring.cli.doctor_command:doctor", "Check settings, servers, versions and permissions."),
    ),
    "Try": (Entry("demo", "scoring.cli.demo:demo", "Score real data, measure it, query it; takes seconds."),),
}


SERVE = frozenset({"worker", "scheduler"})
"""Commands with processes of their own, which are to be ended in order."""


def _print_version(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted:
        import scoring

        click.echo(f"scoring {scoring.__version__}")
        context.exit()


@click.group(cls=LazyGroup, sections=SECTIONS)
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_print_version, help="Print it.")
def cli() -> None:
    """Score files of any size with an ONNX model, every row accounted for in SQL."""


def main() -> NoReturn:
    """``scoring``"""
    code = run_command(cli, "scoring", sys.argv[1:])
    if sys.argv[1:2] and sys.argv[1] in SERVE:
        sys.exit(code)
    _leave(code)


def submit_job() -> NoReturn:
    """``submit-job``: the same as ``scoring submit``."""
    from scoring.cli.score import submit

    _leave(run_command(submit, "submit-job", sys.argv[1:]))


def _leave(code: int) -> NoReturn:
    """End now: to take pyarrow and ONNX Runtime down in order takes longer than to score a thousand rows."""
    with suppress(BrokenPipeError):
        sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
