"""The process (or, embedded, the thread) that repeats the tick."""

import signal
from threading import Event
from types import FrameType

from scoring.pipeline.context import Context
from scoring.pipeline.tick import Ticker
from scoring.settings import Settings
from scoring.telemetry import announce, configure
from workers.presence import Presence, scheduler
from workers.process import open_context, process_name


def run_scheduler(settings: Settings) -> int:
    """Repeat the tick until SIGTERM or SIGINT; returns the exit code. Any number may run beside each other.

    Raises LedgerAway or SettingsError if the ledger cannot be used at the start; later it waits for the ledger.
    """
    configure(settings.log_format)
    stop = Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    context = open_context(settings)
    announce("scheduler.started", process=context.worker)
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
