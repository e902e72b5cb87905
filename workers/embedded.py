"""One job worked on by this process alone: a Celery worker over memory, with threads, and a tick beside it."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from celery.utils.sysinfo import cpu_budget

from scoring.core.errors import ExitCode, Interrupted, JobBusy, LedgerAway
from scoring.core.ids import JobId, StepId
from scoring.core.states import StepKind
from scoring.ledger import jobs, steps
from scoring.ledger.roles import require_all_rights
from scoring.pipeline.context import Context
from scoring.pipeline.control import take_over
from scoring.queue import NAMESPACE, CeleryBell
from scoring.settings import EMBEDDED_BROKER
from scoring.telemetry import announce
from workers.crashnote import crash_note
from workers.interrupt import Interrupt, interrupts
from workers.joblock import job_lock
from workers.memory import memory_worker
from workers.presence import Presence, worker
from workers.process import Service, serving
from workers.scheduler import repeat_tick

LOOK_SECONDS = 0.25
"""Pause between two looks at the job, and between two calls of `on_progress`."""


def run_embedded(
    context: Context,
    job_id: JobId,
    *,
    slots: int | None = None,
    stop: threading.Event | None = None,
    asked_for: bool = True,
    on_progress: Callable[[], None] = lambda: None,
) -> None:
    """Work on the job until it is settled and nothing of it is left to do. What a dead process left goes on at once.

    ``slots`` steps run at a time (default: usable cores). ``on_progress`` is called in the calling thread, about four
    times a second. In the main thread SIGINT and SIGTERM are taken over meanwhile. After a signal, or once ``stop`` is
    set, the steps in hand are handed back and Interrupted is raised (exit code 130, after SIGTERM 143): the job can be
    resumed.
    ``asked_for``: by a person, who may go on as often as they like with what was killed. A process that takes up what
    it finds counts the death of the former one against the budgets of its steps. A crash of native code counts always.
    Raises JobBusy where another process works on the job.
    """
    slots = slots or cpu_budget().count
    bell = CeleryBell(EMBEDDED_BROKER, namespace=f"{NAMESPACE}.{job_id}")
    context = replace(context, bell=bell, only_job=job_id, slots=slots)
    run = context.settings.run_folder
    with (
        job_lock(run, job_id),
        crash_note(run / f"{job_id}.crash") as crashed,
        interrupts(stop) as interrupt,
    ):
        if _is_over(context, job_id):
            return
        context.ledger.look(require_all_rights)
        take_over(context, job_id, f"here:{socket.gethostname()}", charged=crashed or not asked_for)
        _work(context, job_id, slots, interrupt, on_progress)
        if interrupt.is_set() and not _is_over(context, job_id):
            raise _interrupted(job_id, interrupt)


def run_or_wait(
    context: Context,
    job_id: JobId,
    *,
    slots: int | None = None,
    stop: threading.Event | None = None,
    on_progress: Callable[[], None] = lambda: None,
    wait_seconds: float | None = None,
) -> None:
    """As `run_embedded`; while another process works on the job wait for it, and go on with the job if it dies.

    wait_seconds: for the other process; None: as long as it takes. Then JobBusy is raised.
    """
    ends = time.monotonic() + (wait_seconds if wait_seconds is not None else float("inf"))
    pause = stop or threading.Event()
    while True:
        try:
            run_embedded(context, job_id, slots=slots, stop=stop, on_progress=on_progress)
            return
        except JobBusy:
            if time.monotonic() >= ends:
                raise
        on_progress()
        if pause.wait(LOOK_SECONDS):
            raise _interrupted(job_id, Interrupt(stop))


def _work(context: Context, job_id: JobId, slots: int, interrupt: Interrupt, on_progress: Callable[[], None]) -> None:
    """Start the tick and the worker, wait for the end of the job or an interrupt, and stop both."""
    halt = threading.Event()
    moved = threading.Event()

    def answered(step: StepId) -> None:
        if step.kind is StepKind.FINALIZE:
            moved.set()

    with ExitStack() as stack:
        stack.enter_context(serving(job_id, Service(context=lambda: context, stop=halt, answered=answered)))
        celery = stack.enter_context(memory_worker(f"{NAMESPACE}.{job_id}", slots))
        tick = stack.enter_context(_ticking(context, slots, halt))
        stack.callback(halt.set)  # first on the way out: what is in hand is handed back
        while not interrupt.is_set() and not _is_over(context, job_id):
            tick.check()
            celery.check()
            on_progress()
            moved.wait(LOOK_SECONDS)
            moved.clear()
    on_progress()


class _Tick(threading.Thread):
    """The tick in a thread; an error that ends it is raised where the command waits."""

    def __init__(self, context: Context, slots: int, halt: threading.Event) -> None:
        super().__init__(name="tick", daemon=True)
        self._context = context
        self._slots = slots
        self._halt = halt
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            repeat_tick(self._context, Presence(worker(self._context.worker, slots=self._slots)), self._halt)
        except BaseException as error:  # noqa: BLE001  # whatever it is: the command must not wait for ever
            self._error = error

    def check(self) -> None:
        if self._error is not None:
            raise self._error


@contextmanager
def _ticking(context: Context, slots: int, halt: threading.Event) -> Iterator[_Tick]:
    tick = _Tick(context, slots, halt)
    tick.start()
    try:
        yield tick
    finally:
        tick.join()


def _is_over(context: Context, job_id: JobId) -> bool:
    """Settled, and finalized as well: a cancelled job's last step still promotes what is finished."""
    try:
        return context.ledger.look(lambda tx: jobs.job(tx, job_id).state.settled and not steps.open_steps(tx, job_id))
    except LedgerAway as error:
        announce("ledger.away", error=str(error))
        return False


def _interrupted(job_id: JobId, interrupt: Interrupt) -> Interrupted:
    error = Interrupted(f"job {job_id} was interrupted", remedy=f"nothing is lost; go on with: scoring resume {job_id}")
    error.exit_code = ExitCode.TERMINATED if interrupt.by_term else ExitCode.INTERRUPTED
    return error
