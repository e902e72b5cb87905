"""What one worker process owns: one context and one stop event for each ledger scope that it serves."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event

from scoring.core.ids import JobId, StepId
from scoring.failpoints import arm
from scoring.ledger.database import Ledger, Tx
from scoring.pipeline.context import Context
from scoring.pipeline.models import ModelCache
from scoring.queue import CeleryBell, MessageRefused, step_of
from scoring.settings import Settings
from scoring.telemetry import announce
from workers.store import require_store


@dataclass(frozen=True, kw_only=True)
class Service:
    """Who answers the messages of one job (embedded) or of all jobs of the fleet."""

    # Called once, at the first message: in a worker process this is after the fork.
    context: Callable[[], Context]
    # Set when the process is told to end: steps in hand are handed back, messages are left to others.
    stop: Event
    # Called with each step that was answered.
    answered: Callable[[StepId], None] = lambda step: None


_services: dict[JobId | None, Service] = {}
"""By job; None is the fleet. Several embedded runs may share a process, and each keeps to its own job."""


def process_name() -> str:
    """This process as the ledger names it."""
    return f"{socket.gethostname()}:{os.getpid()}"


def open_context(
    settings: Settings, *, worker: str | None = None, rights: Callable[[Tx], None] | None = None
) -> Context:
    """Connect to the ledger and, in a deployment, look for the store; the broker is not asked yet.

    rights: asks the ledger whether the role in the URL may do what this process is for. Raises LedgerAway,
    SettingsError, or ServerUnreachable where this host does not see the store.
    """
    _arm(settings)
    ledger = Ledger.open(settings.database_url)
    try:
        if rights is not None:
            ledger.look(rights)
        if settings.deployed:
            require_store(settings, ledger)
    except BaseException:
        ledger.close()
        raise
    return Context(
        settings=settings,
        ledger=ledger,
        bell=CeleryBell(settings.broker_url),
        models=ModelCache(settings.store),
        worker=worker or process_name(),
    )


def _arm(settings: Settings) -> None:
    arm(settings.failpoints)
    if settings.failpoints:
        announce("failpoints.armed", points=", ".join(failpoint.point for failpoint in settings.failpoints))


@contextmanager
def serving(job_id: JobId | None, service: Service) -> Iterator[None]:
    """Answer the messages of a job (None: of the fleet) while the block runs."""
    _services[job_id] = service
    try:
        yield
    finally:
        del _services[job_id]


def answer(message: object) -> None:
    """Do the step that `message` names, if it is one of ours. Never raises: every outcome is a row or a log line."""
    try:
        step = step_of(message)
    except MessageRefused as error:
        announce("message.refused", reason=str(error))
        return
    service = _services.get(step.job_id) or _services.get(None)
    if service is None or service.stop.is_set():
        return  # its row stays due and rung: the tick rings it again
    try:
        _work(service.context(), step, service.stop)
    except Exception as error:  # noqa: BLE001  # the ledger is away, or a fault of ours: the lease ends by itself
        announce("step.broken", step=str(step), error=f"{type(error).__name__}: {error}")
    service.answered(step)


def _work(context: Context, step: StepId, stop: Event) -> None:
    # Here, not above: a command that only asks the ledger opens a context too, and needs no model runtime.
    from scoring.pipeline.work import work

    work(context, step, stop)
