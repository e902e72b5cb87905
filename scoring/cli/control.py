"""cancel, retry, resume: what a person does to a job that exists."""

from typing import TYPE_CHECKING

import click

from scoring.cli.follow import wait_for
from scoring.cli.options import job_argument, json_option, timeout_option
from scoring.cli.output import say
from scoring.cli.session import open_session
from scoring.cli.verdict import job_facts, print_job, print_verdict
from scoring.core.errors import ErrorCode, UsageError

if TYPE_CHECKING:
    from scoring.ledger.records import Job
    from scoring.pipeline.context import Context


@click.command(short_help="Stop a job for good.")
@job_argument
@json_option
def cancel(job: str, as_json: bool) -> None:
    """Stop a job for good. Its finished parts stay. A job that has ended, or is about to, is left as it is."""
    from scoring.ledger.jobs import find_job
    from scoring.ledger.records import CancelResult
    from scoring.pipeline.control import cancel as stop

    with open_session() as context:
        found = context.ledger.look(lambda tx: find_job(tx, job))
        match stop(context, found.id):
            case CancelResult.CANCELLED:
                say(f"job {found.id} is cancelled")
                _tidy_up(context, found)
            case CancelResult.TOO_LATE:
                say(f"too late: job {found.id} has its verdict and is finishing")
            case CancelResult.SETTLED:
                say(f"job {found.id} had ended before: {found.state}")
        if as_json:
            print_job(job_facts(context.ledger, found.id), as_json=True)


def _tidy_up(context: "Context", job: "Job") -> None:
    """Do the last step of an embedded job that nobody works on: promote finished parts, write `_partial.json`."""
    from scoring.ledger.records import FLEET
    from workers.embedded import run_embedded

    if job.runner == FLEET and context.settings.deployed:
        return
    try:
        run_embedded(context, job.id, resumed=False)
    except UsageError:
        pass  # the process that has its lock is alive, and does it


@click.command(short_help="Queue what failed of a failed job again.")
@job_argument
@click.option("--wait", "waits", is_flag=True, help="Wait for the verdict, which is then the exit code.")
@timeout_option
@json_option
def retry(job: str, waits: bool, timeout: str | None, as_json: bool) -> int:
    """Open a new round of a failed job: what succeeded stays, the rest is scored again.

    Without a deployment the work is done here.
    """
    from scoring.cli.score import Waiting, work_here
    from scoring.core.durations import seconds
    from scoring.ledger.jobs import find_job
    from scoring.ledger.records import FLEET
    from scoring.pipeline.control import retry as reopen

    limit = seconds("--timeout", timeout)
    with open_session() as context:
        found = context.ledger.look(lambda tx: find_job(tx, job))
        reopened = reopen(context, found.id)
        if found.error_code is ErrorCode.TOO_MANY_REJECTS:
            say("the rows that were rejected stay rejected, and so does the limit: to allow more, submit the job anew")
        if reopened.runner != FLEET or not context.settings.deployed:
            return work_here(
                context, reopened, slots=None, waiting=Waiting(wanted=True, seconds=limit), as_json=as_json
            )
        if waits:
            return print_verdict(wait_for(context.ledger, found.id, limit), as_json=as_json)
        print_job(job_facts(context.ledger, found.id), as_json=as_json)
        return 0


@click.command(short_help="Go on with an interrupted job of `scoring run`.")
@job_argument
@click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="Chunks scored at once; default: usable cores."
)
@json_option
def resume(job: str, workers: int | None, as_json: bool) -> int:
    """Go on with a job that was interrupted or killed: what is done stays done. The verdict is the exit code."""
    from scoring.cli.score import work_here
    from scoring.ledger.jobs import find_job
    from scoring.ledger.records import FLEET

    with open_session() as context:
        found = context.ledger.look(lambda tx: find_job(tx, job))
        if found.state.settled:
            say(f"job {found.id} had ended before: {found.state}")
        elif found.runner == FLEET and context.settings.deployed:
            raise UsageError(
                f"job {found.id} belongs to the workers of the deployment",
                expected="a job of `scoring run`",
                got="a submitted one",
                remedy=f"scoring wait {found.id}",
            )
        return work_here(context, found, slots=workers, resumed=True, as_json=as_json)
