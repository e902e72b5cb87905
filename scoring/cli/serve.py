"""worker and scheduler: the processes of a deployment."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from threading import Event
from types import FrameType
from typing import TYPE_CHECKING

import click

from scoring.cli.output import say
from scoring.cli.session import checked_settings
from scoring.core.errors import Interrupted, JobBusy, LedgerAway, UsageError
from scoring.core.ids import JobId
from scoring.core.states import Priority
from scoring.settings import Settings
from scoring.telemetry import announce

if TYPE_CHECKING:
    from scoring.pipeline.context import Context

LOOK_SECONDS = 1.0
"""Pause between two looks for submitted jobs, where no broker rings."""


@click.command(short_help="Work on jobs until stopped.")
@click.option("--concurrency", type=click.IntRange(min=1), metavar="N", help="Chunks at once; default: usable cores.")
@click.option("--queues", metavar="high,normal,low", help="Priorities to serve; default: all.")
def worker(concurrency: int | None, queues: str | None) -> int:
    """Work on submitted jobs until TERM or Ctrl-C; chunks in hand are finished or handed back, then exit 0."""
    priorities = _priorities(queues)
    settings = checked_settings()
    if not settings.deployed:
        return _work_alone(settings, concurrency)
    from workers.deployed import run_worker

    return run_worker(settings, concurrency=concurrency, queues=priorities)


@click.command(short_help="Fire schedules, ring what is due, rescue what was lost.")
def scheduler() -> int:
    """Fire schedules, ring due steps and rescue the chunks of dead workers until TERM or Ctrl-C. Any number may run.

    Without a deployment it works on the jobs itself too, as `scoring worker` does.
    """
    settings = checked_settings()
    if not settings.deployed:
        return _work_alone(settings, None, fires=True)
    from workers.scheduler import run_scheduler

    return run_scheduler(settings)


def _priorities(text: str | None) -> tuple[Priority, ...]:
    if text is None:
        return tuple(Priority)
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or not set(names) <= set(Priority):
        raise UsageError("--queues", expected="high, normal, low, or some of them", got=repr(text), remedy="name them")
    return tuple(priority for priority in Priority if priority in names)


def _work_alone(settings: Settings, slots: int | None, *, fires: bool = False) -> int:
    """Embedded: do the submitted jobs of this home one after the other, until a signal."""
    from workers.process import open_context

    stop = Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    say(f"{'firing schedules and ' if fires else ''}working on the submitted jobs of {settings.home}; Ctrl-C ends it")
    context = open_context(settings)
    try:
        with _firing(context, stop) if fires else nullcontext():
            while not stop.is_set():
                try:
                    do_submitted(context, slots, stop)
                except LedgerAway as error:
                    announce("ledger.away", error=str(error))
                stop.wait(LOOK_SECONDS)
    finally:
        context.ledger.close()
    return 0


@contextmanager
def _firing(context: "Context", stop: Event) -> Iterator[None]:
    from scoring.telemetry import configure
    from workers.presence import present, scheduler
    from workers.scheduler import firing

    configure(context.settings.log_format)
    # A row beside the one of the job in hand, which bears this process's own name.
    with present(context.ledger, scheduler(f"{context.worker}/scheduler")), firing(context, stop):
        yield


def do_submitted(context: "Context", slots: int | None, stop: Event) -> None:
    """Do the submitted jobs of this home, once each, that are not finished and that no other process works on.

    The most urgent first, and of these the oldest: looked at anew after each job. After a signal `stop` is set, and the
    job in hand is left to the next worker. Raises LedgerAway.
    """
    from scoring.ledger import jobs
    from workers.embedded import run_embedded

    tried: set[JobId] = set()
    while True:
        unfinished = context.ledger.look(jobs.unfinished)
        job_id = next((found for found in unfinished if found not in tried), None)
        if job_id is None:
            return
        tried.add(job_id)
        try:
            run_embedded(context, job_id, slots=slots, stop=stop, resumed=False)
        except JobBusy:
            continue
        except Interrupted:
            stop.set()
        if stop.is_set():
            return
