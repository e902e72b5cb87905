"""The row by which a process shows in the view `processes`."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from scoring import __version__
from scoring.core.errors import LedgerAway, StorageFault
from scoring.core.states import Priority
from scoring.ledger import processes
from scoring.ledger.database import Ledger
from scoring.ledger.records import Process, ProcessKind
from scoring.telemetry import announce

BEAT_SECONDS = 5.0


class Presence:
    """Reports for duty now and then. A ledger that is away is no reason to stop."""

    def __init__(self, process: Process, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.process = process
        self._clock = clock
        self._due = clock()

    def beat(self, ledger: Ledger, doing: str = "") -> None:
        """Renew the row, at most once per BEAT_SECONDS, and drop those of processes that died long ago."""
        if self._clock() < self._due:
            return
        self._due = self._clock() + BEAT_SECONDS
        try:
            ledger.run(lambda tx: processes.beat(tx, replace(self.process, doing=doing)))
            ledger.run(processes.forget_lost)
        except LedgerAway as error:
            announce("ledger.away", error=str(error))

    def leave(self, ledger: Ledger) -> None:
        """Take the row away: this process ends in order."""
        try:
            ledger.run(lambda tx: processes.forget(tx, self.process.process))
        except LedgerAway as error:
            announce("ledger.away", error=str(error))


@contextmanager
def present(ledger: Ledger, process: Process) -> Iterator[None]:
    """Report for duty while the block runs: in a thread, for the block may work on one job for hours."""
    presence, ended = Presence(process), threading.Event()

    def beat() -> None:
        while True:
            try:
                presence.beat(ledger)
            except StorageFault as error:  # the worker is still there when the ledger's disk has room again
                announce("ledger.away", error=str(error))
            if ended.wait(BEAT_SECONDS):
                return

    thread = threading.Thread(target=beat, name="presence", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        presence.leave(ledger)


def worker(name: str, *, slots: int, queues: tuple[Priority, ...] = ()) -> Process:
    """An embedded run serves no queue of the fleet."""
    return _process(name, ProcessKind.WORKER, slots=slots, queues=queues)


def scheduler(name: str) -> Process:
    return _process(name, ProcessKind.SCHEDULER, slots=0, queues=())


def _process(name: str, kind: ProcessKind, *, slots: int, queues: tuple[Priority, ...]) -> Process:
    host, _, _ = name.rpartition(":")
    return Process(process=name, kind=kind, host=host, version=__version__, slots=slots, queues=queues)
