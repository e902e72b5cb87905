"""run, submit, plan: the three commands that take a model and inputs."""

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from scoring.cli.options import job_arguments, json_option, timeout_option
from scoring.cli.output import print_json, say
from scoring.cli.session import open_session
from scoring.cli.verdict import job_facts, job_progress, print_job, print_verdict
from scoring.core.arguments import job_options
from scoring.core.errors import JobBusy
from scoring.core.states import JobState
from scoring.pipeline.patience import ask_patiently

PAUSE_SECONDS = 0.5
"""Between two tries to read the verdict, while the ledger is away."""

if TYPE_CHECKING:
    from collections.abc import Callable

    from scoring.ledger.records import Job
    from scoring.pipeline.context import Context
    from scoring.pipeline.prepare import JobRequest
    from scoring.pipeline.submit import Submitted


@click.command(short_help="Score files here and now, with a progress bar.")
@job_arguments
@click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="Chunks scored at once; default: usable cores."
)
@json_option
def run(model: str, inputs: tuple[str, ...], as_json: bool, workers: int | None, **options: object) -> int:
    """Score INPUT... with MODEL here and now. Ctrl-C leaves a job that `scoring resume` goes on with.

    MODEL is an .onnx file, or a registered name, name:3 or name@alias. INPUT is a file, a folder, a glob, @list, or
    - for CSV on stdin.
    """
    from scoring.cli.follow import wait_for
    from scoring.ledger.records import FLEET
    from scoring.ledger.roles import require_all_rights
    from scoring.pipeline.submit import submit as record

    request = _request(model, inputs, options)
    with open_session() as context:
        context.ledger.look(require_all_rights)
        submitted = record(context, request, runner=f"here:{socket.gethostname()}", ring=False)
        job = submitted.job
        if not submitted.created:
            say_it_exists(job)
        if job.runner == FLEET and context.settings.deployed:
            return print_verdict(wait_for(context.ledger, job.id, None), as_json=as_json)
        return work_here(context, job, slots=workers, waiting=Waiting(wanted=True), as_json=as_json)


@click.command(short_help="Record a job for the workers and print its id.")
@job_arguments
@click.option("--wait", "waits", is_flag=True, help="Wait for the verdict, which is then the exit code.")
@timeout_option
@json_option
def submit(
    model: str, inputs: tuple[str, ...], as_json: bool, waits: bool, timeout: str | None, **options: object
) -> int:
    """Record a job over INPUT... with MODEL, ring the workers, and print the job's id. Never waits for the broker."""
    from scoring.core.durations import seconds
    from scoring.pipeline.submit import submit as record

    request = _request(model, inputs, options)
    limit = seconds("--timeout", timeout)
    with open_session() as context:
        submitted = record(context, request, ring=context.settings.deployed)
        if not submitted.created:
            say_it_exists(submitted.job)
        return after_submit(context, submitted, Waiting(wanted=waits, seconds=limit), as_json=as_json)


@click.command(short_help="Show what a job would read, feed and write, without a job.")
@job_arguments
@json_option
def plan(model: str, inputs: tuple[str, ...], as_json: bool, **options: object) -> None:
    """Show what a job over INPUT... with MODEL would do: files, rows, binding, nulls, chunks, disk, time."""
    from scoring.cli.plan import print_plan
    from scoring.pipeline.plan import plan as make_plan

    request = _request(model, inputs, options)
    with open_session() as context:
        made = make_plan(context, request)
    if as_json:
        print_json(made.to_json())
    else:
        print_plan(made)


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Whether a command waits for the verdict of the job that it has submitted, and for how long."""

    wanted: bool
    # None: as long as it takes.
    seconds: float | None = None


def after_submit(context: "Context", submitted: "Submitted", waiting: Waiting, *, as_json: bool) -> int:
    """Print the job, say who works on it, and wait for the verdict where that is wanted; the exit code."""
    from scoring.cli.follow import wait_for

    deployed = context.settings.deployed
    if submitted.created:
        _say_who_works(submitted, deployed=deployed, waits=waiting.wanted)
    if not (waiting.wanted and as_json):
        _print_submitted(context, submitted, as_json=as_json)
    if not waiting.wanted:
        return 0
    if not deployed:
        return work_here(context, submitted.job, slots=None, waiting=waiting, as_json=as_json, facts_wanted=False)
    facts = wait_for(context.ledger, submitted.job.id, waiting.seconds)
    return print_verdict(facts, as_json=as_json, facts_wanted=False)


ALONE = Waiting(wanted=False)


def work_here(
    context: "Context",
    job: "Job",
    *,
    slots: int | None,
    waiting: Waiting = ALONE,
    resumed: bool = False,
    as_json: bool,
    facts_wanted: bool = True,
) -> int:
    """Work on the job in this process until it is settled, as `work_until_settled`; print its verdict."""
    work_until_settled(context, job, slots=slots, waiting=waiting, resumed=resumed)
    facts = ask_patiently(lambda: job_facts(context.ledger, job.id), pause=PAUSE_SECONDS, ends=float("inf"))
    return print_verdict(facts, as_json=as_json, facts_wanted=facts_wanted)


def work_until_settled(
    context: "Context", job: "Job", *, slots: int | None, waiting: Waiting = ALONE, resumed: bool = False
) -> None:
    """Work on the job in this process, with a bar on a terminal. A settled one is left as it is.

    Where another process works on it: wait for that one where it is wanted, and go on with the job if it dies; of two
    commands with one key both give its verdict. resumed: as `run_embedded` has it. Raises JobBusy where it is not
    wanted, WaitTimedOut.
    """
    from scoring.cli.progress import progress_bar
    from workers.embedded import run_embedded

    if job.state.settled:
        return
    with progress_bar(lambda: job_progress(context.ledger, job.id), rows=job.rows_expected) as draw:
        try:
            run_embedded(context, job.id, slots=slots, resumed=resumed, on_progress=draw)
        except JobBusy:
            if not waiting.wanted:
                raise
            say(f"another process works on job {job.id}; waiting for it")
            _wait_or_work(context, job, slots, waiting, draw)


def _wait_or_work(
    context: "Context", job: "Job", slots: int | None, waiting: Waiting, draw: "Callable[[], None]"
) -> None:
    from scoring.cli.follow import timed_out
    from workers.embedded import run_or_wait

    try:
        run_or_wait(context, job.id, slots=slots, on_progress=draw, wait_seconds=waiting.seconds)
    except JobBusy as busy:
        raise timed_out(job.id, job_progress(context.ledger, job.id), waiting.seconds) from busy


def _request(model: str, inputs: tuple[str, ...], options: dict[str, object]) -> "JobRequest":
    # Checked first: a wrong option is said before anything heavy is loaded.
    checked = job_options(**{name: value for name, value in options.items() if value not in ((), False)})
    from scoring.pipeline.prepare import JobRequest

    return JobRequest(model=model, inputs=inputs, options=checked)


def _say_who_works(submitted: "Submitted", *, deployed: bool, waits: bool) -> None:
    job_id = submitted.job.id
    if not deployed and not waits:
        who = ", or scoring worker" if submitted.job.schedule is None else ", scoring worker or scoring scheduler"
        say(f"job {job_id} is recorded; nothing works on it yet: scoring resume {job_id}{who}")
    elif not submitted.rung:
        say(f"job {job_id} is queued; the broker cannot be reached now, a scheduler rings it later")


def say_it_exists(job: "Job", under: str = "this idempotency key") -> None:
    """One line on stderr: which job was found in place of a new one, and under what."""
    then = f"; scoring retry {job.id} goes on with it" if job.state is JobState.FAILED else ""
    say(f"job {job.id} exists already under {under}; it is {job.state}{then}")


def _print_submitted(context: "Context", submitted: "Submitted", *, as_json: bool) -> None:
    if as_json:
        print_job(job_facts(context.ledger, submitted.job.id), as_json=True)
    else:
        click.echo(submitted.job.id)
