"""The process (or, embedded, the thread) that repeats the tick, and the thread that fires schedules."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event
from types import FrameType

from scoring.broker import sign_broker
from scoring.core.errors import LedgerAway, StorageFault
from scoring.data.storage import store_id
from scoring.ledger.roles import require_all_rights
from scoring.pipeline.context import Context
from scoring.pipeline.tick import Ticker
from scoring.settings import Settings
from scoring.telemetry import announce, configure
from workers.presence import Presence, scheduler
from workers.process import open_context, process_name

SIGN_SECONDS = 3600.0
"""Pause between two renewals of our sign in the broker, which lives for a day."""

FIRE_SECONDS = 1.0
"""Pause between two turns of firing."""

LEAVE_SECONDS = 10.0
"""A job that is being prepared at a signal gets so long; should it be cut off, another scheduler starts it."""


def run_scheduler(settings: Settings) -> int:
    """Repeat the tick and fire schedules until SIGTERM or SIGINT; returns the exit code. Any number may run.

    Raises LedgerAway or SettingsError if the ledger cannot be used at the start; later it waits for the ledger.
    """
    configure(settings.log_format)
    stop = Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    context = open_context(settings, rights=require_all_rights)
    announce("scheduler.started", process=context.worker)
    keep_signed(settings, stop)
    with firing(context, stop):
        repeat_tick(context, Presence(scheduler(context.worker)), stop)
    announce("scheduler.stopped", process=process_name())
    return 0


def repeat_tick(context: Context, presence: Presence, stop: Event) -> None:
    """Tick, and show that this process lives, until `stop` is set."""
    ticker = Ticker(context)
    while not stop.is_set():
        presence.beat(context.ledger, doing="" if context.only_job is None else f"job {context.only_job}")
        stop.wait(ticker.turn())
    presence.leave(context.ledger)


def keep_signed(settings: Settings, stop: Event, *, every_seconds: float = SIGN_SECONDS) -> None:
    """Keep the deployment's sign in the broker until `stop` is set: workers may run for weeks without a start.

    In a thread: the tick waits for no broker that is silent.
    """

    def sign() -> None:
        while not stop.is_set():
            # A store that is out of sight comes back.
            with suppress(OSError):
                sign_broker(settings.broker_url, store_id(settings.store, create=False) or "")
            stop.wait(every_seconds)

    threading.Thread(target=sign, name="signing", daemon=True).start()


@contextmanager
def firing(context: Context, stop: Event) -> Iterator[None]:
    """Fire schedules beside the block, and stop both together. Raises at its end what has ended the firing.

    In a thread: a job that takes long to prepare must not keep the tick from watching leases.
    """
    thread = _Firing(context, stop)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(LEAVE_SECONDS)
    if thread.error is not None:
        raise thread.error


class _Firing(threading.Thread):
    def __init__(self, context: Context, halt: Event) -> None:
        super().__init__(name="firing", daemon=True)
        self._context = context
        self._halt = halt
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            while not self._halt.is_set():
                self._halt.wait(0 if self._turn() else FIRE_SECONDS)
        except BaseException as error:  # noqa: BLE001  # whatever it is: a scheduler that fires nothing must not seem well
            self.error = error
            self._halt.set()

    def _turn(self) -> bool:
        # Here, not above: a command that only works on jobs needs neither cron lines nor the way to submit.
        from scoring.pipeline.schedule import fire

        try:
            return fire(self._context)
        except (LedgerAway, StorageFault) as error:
            announce("ledger.away", error=str(error))
            return False
