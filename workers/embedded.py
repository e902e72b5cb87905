"""One job worked on by this process alone: a Celery worker over memory, with threads, and a tick beside it."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
from workers.crashnote import crash_note, has_crashed
from workers.interrupt import Interrupt, interrupts
from workers.joblock import job_lock
from workers.memory import memory_worker
from workers.onebyone import one_by_one
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
    resumed: bool,
    on_progress: Callable[[], None] = lambda: None,
) -> None:
    """Work on the job until it is settled and nothing of it is left to do. What a dead process left goes on at once.

    ``slots`` steps run at a time (default: usable cores). ``on_progress`` is called in the calling thread, about four
    times a second. In the main thread SIGINT and SIGTERM are taken over meanwhile. After a signal, or once ``stop`` is
    set, the steps in hand are handed back and Interrupted is raised (exit code 130, after SIGTERM 143): the job can be
    resumed.
    ``resumed``: by a person, who may go on as often as they like with what was killed. Else the death of the former
    process counts, as a crash of native code always does: what it had in hand is done one step at a time, and the next
    death is charged to the one step that was in hand. Raises JobBusy where another process works on the job.
    """
    slots = slots or cpu_budget().count
    bell = CeleryBell(EMBEDDED_BROKER, namespace=f"{NAMESPACE}.{job_id}")
    context = replace(context, bell=bell, only_job=job_id, slots=slots)
    note = context.settings.run_folder / f"{job_id}.crash"
    with job_lock(note.parent, job_id), interrupts(stop) as interrupt:
        if _is_over(context, job_id):
            return
        context.ledger.look(require_all_rights)
        counts = has_crashed(note) or not resumed
        in_hand = take_over(context, job_id, f"here:{socket.gethostname()}", charged=counts)
        with crash_note(note):
            _work(context, job_id, in_hand if counts else [], interrupt, on_progress)
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
            run_embedded(context, job_id, slots=slots, stop=stop, resumed=False, on_progress=on_progress)
            return
        except JobBusy:
            if time.monotonic() >= ends:
                raise
        on_progress()
        if pause.wait(LOOK_SECONDS):
            raise _interrupted(job_id, Interrupt(stop))


def _work(
    context: Context, job_id: JobId, first: list[StepId], interrupt: Interrupt, on_progress: Callable[[], None]
) -> None:
    """Start the tick, do `first` one at a time, start the worker, wait for the end of the job or an interrupt."""
    halt = threading.Event()
    moved = threading.Event()

    def answered(step: StepId) -> None:
        if step.kind is StepKind.FINALIZE:
            moved.set()

    def goes_on() -> bool:
        on_progress()
        return tick.is_alive() and not interrupt.is_set()

    service = Service(context=lambda: context, stop=halt, answered=answered)
    with serving(job_id, service), _ticking(context, halt) as tick:
        one_by_one(first, goes_on, halt)
        with memory_worker(f"{NAMESPACE}.{job_id}", context.slots or 1) as celery, _halting(halt):
            while not interrupt.is_set() and not _is_over(context, job_id):
                tick.check()
                celery.check()
                on_progress()
                moved.wait(LOOK_SECONDS)
                moved.clear()
    on_progress()


class _Tick(threading.Thread):
    """The tick in a thread; an error that ends it is raised where the command waits."""

    def __init__(self, context: Context, halt: threading.Event) -> None:
        super().__init__(name="tick", daemon=True)
        self._context = context
        self._halt = halt
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            repeat_tick(
                self._context, Presence(worker(self._context.worker, slots=self._context.slots or 1)), self._halt
            )
        except BaseException as error:  # noqa: BLE001  # whatever it is: the command must not wait for ever
            self._error = error

    def check(self) -> None:
        if self._error is not None:
            raise self._error


@contextmanager
def _ticking(context: Context, halt: threading.Event) -> Iterator[_Tick]:
    tick = _Tick(context, halt)
    tick.start()
    try:
        with _halting(halt):
            yield tick
    finally:
        tick.join()


@contextmanager
def _halting(halt: threading.Event) -> Iterator[None]:
    """Set `halt` on the way out: what is in hand is handed back."""
    try:
        yield
    finally:
        halt.set()


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
