"""status, jobs, wait: what becomes of jobs. Questions end with 0 whatever the answer; `wait` gives the verdict."""

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from scoring.cli.options import job_argument, json_option, timeout_option
from scoring.cli.output import Row, print_json, print_table
from scoring.cli.session import open_ledger
from scoring.cli.verdict import job_facts, job_progress, print_job, print_verdict
from scoring.core.errors import WaitTimedOut
from scoring.core.states import JobState
from scoring.pipeline.patience import ask_patiently

if TYPE_CHECKING:
    from collections.abc import Callable

    from scoring.core.ids import JobId
    from scoring.ledger.database import Ledger

LOOK_SECONDS = 0.5
"""Pause between two looks at a job that is waited for."""

LISTED = ("job_id", "model", "version", "state", "rows_total", "rows_scored", "rows_rejected", "submitted_at", "error")


@click.command(short_help="Show one job.")
@job_argument
@click.option("--watch", is_flag=True, help="Draw it until it has ended.")
@json_option
def status(job: str, watch: bool, as_json: bool) -> None:
    """Show one job: state, rows, speed, time left, accuracy, output, error."""
    from scoring.ledger import jobs as ledger_jobs

    with open_ledger() as ledger:
        job_id = ledger.look(lambda tx: ledger_jobs.find_job(tx, job)).id
        facts = wait_for(ledger, job_id, None) if watch else job_facts(ledger, job_id)
    print_job(facts, as_json=as_json)


@click.command(short_help="List jobs, the newest first.")
@click.option("--state", type=click.Choice([state.value for state in JobState]), help="Only jobs in this state.")
@click.option("--model", metavar="NAME", help="Only jobs of this model.")
@click.option("--since", metavar="TIME", help="Only jobs submitted since: 2h, 7d, 2026-01-31.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="At most N jobs.")
@json_option
def jobs(state: str | None, model: str | None, since: str | None, limit: int, as_json: bool) -> None:
    """List jobs, the newest first."""
    from scoring.cli.durations import point_in_time
    from scoring.ledger import reports

    earliest = point_in_time("--since", since, now=datetime.now(UTC))
    with open_ledger() as ledger:
        found = ledger.look(
            lambda tx: reports.jobs(
                tx, state=JobState(state) if state else None, model=model, since=earliest, limit=limit
            )
        )
    if as_json:
        print_json(found)
    else:
        print_table(found, LISTED, empty="no job")


@click.command(short_help="Wait until a job has ended; its verdict is the exit code.")
@job_argument
@timeout_option
@json_option
def wait(job: str, timeout: str | None, as_json: bool) -> int:
    """Wait until a job has ended; its verdict is the exit code, 7 where the time ran out. Starts no worker."""
    from scoring.core.durations import seconds
    from scoring.ledger import jobs as ledger_jobs

    limit = seconds("--timeout", timeout)
    with open_ledger() as ledger:
        job_id = ledger.look(lambda tx: ledger_jobs.find_job(tx, job)).id
        facts = wait_for(ledger, job_id, limit)
    return print_verdict(facts, as_json=as_json)


def wait_for(ledger: "Ledger", job_id: "JobId", limit_seconds: float | None) -> Row:
    """Look until the job is settled, with a bar on a terminal; a restart of the ledger is waited out.

    Raises WaitTimedOut, LedgerAway; the job goes on.
    """
    from scoring.cli.progress import progress_bar

    ends = time.monotonic() + (limit_seconds if limit_seconds is not None else float("inf"))

    def look(ask: "Callable[[Ledger, JobId], Row]") -> Row:
        return ask_patiently(lambda: ask(ledger, job_id), pause=LOOK_SECONDS, ends=ends)

    progress = look(job_progress)
    with progress_bar(lambda: progress) as draw:
        while not JobState(str(progress["state"])).settled:
            draw()
            left = ends - time.monotonic()
            if left <= 0:
                raise timed_out(job_id, progress, limit_seconds)
            time.sleep(min(LOOK_SECONDS, left))
            progress = look(job_progress)
    return look(job_facts)


def timed_out(job_id: str, progress: Row, limit_seconds: float | None) -> WaitTimedOut:
    """The error of a command that has waited for the job long enough."""
    return WaitTimedOut(
        f"job {job_id} has not ended",
        expected=f"a verdict within {limit_seconds:g} s",
        got=f"{progress['state']}, {progress['chunks_done']} chunks done",
        remedy=f"wait longer: scoring wait {job_id}; is anybody at work? scoring doctor",
    )
