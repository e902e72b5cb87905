"""What a worker's main process sees to beside Celery: its row in the ledger, and whether it still hears anything."""

import threading
from collections.abc import Callable

from scoring.core.errors import ScoringError
from scoring.ledger import publish
from scoring.ledger.database import Ledger
from scoring.ledger.revisions import RevisionDiffers, require_current
from scoring.queue import CeleryBell
from scoring.settings import Settings
from scoring.telemetry import announce
from workers.presence import BEAT_SECONDS, Presence

DEAF_LEASES = 2
LEAST_BEATS = 4
MOST_BEATS = 24
"""A worker with an idle slot that receives nothing for two leases (of 20 s to 2 min), while messages wait, starts anew:
reconnected consumers that never receive again have been reported against every version of Celery over Redis."""


def silent_beats(lease_seconds: float) -> int:
    """Beats of silence that make a worker deaf."""
    return min(MOST_BEATS, max(LEAST_BEATS, int(DEAF_LEASES * lease_seconds / BEAT_SECONDS)))


class Hearing:
    """Tells a deaf worker from an idle one: fed once per beat, says when to start anew."""

    def __init__(self, beats: int) -> None:
        self._beats = beats
        self._received = -1
        self._silent = 0

    def deaf(self, *, received: int, idle: bool, waiting: int) -> bool:
        """``received``: messages so far; ``idle``: a slot is free; ``waiting``: messages that the broker still has."""
        silent = received == self._received and idle and waiting > 0
        self._silent = self._silent + 1 if silent else 0
        self._received = received
        return self._silent >= self._beats


class Watch(threading.Thread):
    """Beats in a thread of its own until it is closed."""

    def __init__(
        self,
        settings: Settings,
        presence: Presence,
        *,
        state: Callable[[], tuple[int, int]],
        restart: Callable[[str], None],
    ) -> None:
        super().__init__(name="watch", daemon=True)
        # Children that are forked meanwhile make connections of their own.
        self._ledger = Ledger.connect(settings.database_url)
        self._bell = CeleryBell(settings.broker_url)
        self._presence = presence
        # Messages received so far, and steps in hand.
        self._state = state
        # Called with the event to announce.
        self._restart = restart
        self._hearing = Hearing(silent_beats(settings.lease_seconds))
        self._ended = threading.Event()

    def run(self) -> None:
        self._with_ledger(self._beat)
        while not self._ended.wait(BEAT_SECONDS):
            self._with_ledger(self._beat)

    def close(self) -> None:
        self._ended.set()
        self.join()
        self._with_ledger(self._presence.leave)
        self._ledger.close()

    def _beat(self, ledger: Ledger) -> None:
        received, busy = self._state()
        self._presence.beat(ledger, doing=f"{busy} steps")
        idle = busy < self._presence.process.slots
        if self._hearing.deaf(received=received, idle=idle, waiting=self._waiting(ledger) if idle else 0):
            self._begin_anew("worker.deaf")

    def _begin_anew(self, event: str) -> None:
        self._ended.set()
        self._restart(event)

    def _waiting(self, ledger: Ledger) -> int:
        """Messages in our queues; 0 while the broker is away: a start anew would not help, and undo what is begun."""
        queues = self._presence.process.queues
        if not ledger.look(lambda tx: sum(publish.rung(tx, priority) for priority in queues)):
            return 0
        return sum(self._bell.depth(priority) or 0 for priority in queues)

    def _with_ledger(self, act: Callable[[Ledger], None]) -> None:
        try:
            self._ledger.run(require_current)
            act(self._ledger)
        except RevisionDiffers as error:
            announce("ledger.away", error=str(error))
            if not self._ended.is_set():
                self._begin_anew("worker.outdated")
        except ScoringError as error:
            announce("ledger.away", error=str(error))
