"""What a worker's main process sees to beside Celery: its row in the ledger, and whether it still hears anything."""

import threading
from collections.abc import Callable

from scoring.core.errors import ScoringError
from scoring.core.states import Priority
from scoring.ledger import publish
from scoring.ledger.database import Ledger
from scoring.telemetry import announce
from workers.presence import BEAT_SECONDS, Presence

DEAF_SECONDS = 120.0
"""A worker with an idle slot that receives nothing for so long, while rung steps wait, starts anew: reconnected
consumers that never receive again have been reported against every version of Celery over Redis."""


class Hearing:
    """Tells a deaf worker from an idle one: fed once per beat, says when to start anew."""

    def __init__(self, beats: int = int(DEAF_SECONDS / BEAT_SECONDS)) -> None:
        self._beats = beats
        self._received = -1
        self._silent = 0

    def deaf(self, *, received: int, idle: bool, waiting: int) -> bool:
        """``received``: messages so far; ``idle``: a slot is free; ``waiting``: steps rung and not claimed."""
        silent = received == self._received and idle and waiting > 0
        self._silent = self._silent + 1 if silent else 0
        self._received = received
        return self._silent >= self._beats


class Watch(threading.Thread):
    """Beats in a thread of its own until it is closed."""

    def __init__(
        self,
        database_url: str,
        presence: Presence,
        queues: tuple[Priority, ...],
        *,
        slots: int,
        state: Callable[[], tuple[int, int]],
        restart: Callable[[], None],
    ) -> None:
        super().__init__(name="watch", daemon=True)
        self._database_url = database_url
        self._presence = presence
        self._queues = queues
        self._slots = slots
        # Messages received so far, and steps in hand.
        self._state = state
        self._restart = restart
        self._hearing = Hearing()
        self._ended = threading.Event()

    def run(self) -> None:
        self._with_ledger(self._beat)
        while not self._ended.wait(BEAT_SECONDS):
            self._with_ledger(self._beat)

    def close(self) -> None:
        self._ended.set()
        self.join()
        self._with_ledger(self._presence.leave)

    def _beat(self, ledger: Ledger) -> None:
        received, busy = self._state()
        self._presence.beat(ledger, doing=f"{busy} steps")
        waiting = ledger.look(lambda tx: sum(publish.rung(tx, priority) for priority in self._queues))
        if self._hearing.deaf(received=received, idle=busy < self._slots, waiting=waiting):
            self._ended.set()
            self._restart()

    def _with_ledger(self, act: Callable[[Ledger], None]) -> None:
        # Opened anew each time: children are forked at any moment, and must not inherit a connection.
        try:
            ledger = Ledger.open(self._database_url)
        except ScoringError as error:
            announce("ledger.away", error=str(error))
            return
        try:
            act(ledger)
        except ScoringError as error:
            announce("ledger.away", error=str(error))
        finally:
            ledger.close()
