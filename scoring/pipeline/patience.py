"""Asking a ledger that may be restarting: who only waits has nothing to lose by asking again."""

import time
from collections.abc import Callable
from typing import TypeVar

from scoring.core.errors import LedgerAway

T = TypeVar("T")

AWAY_SECONDS = 60.0
"""A ledger may be away this long: a server that restarts, a standby that takes over."""


def ask_patiently(question: Callable[[], T], *, pause: float, ends: float) -> T:
    """The answer to `question`, asked again while the ledger is away.

    pause: seconds between two tries. ends: of the patience at the latest, on the monotonic clock.
    Raises LedgerAway after AWAY_SECONDS, or at `ends`.
    """
    ends = min(ends, time.monotonic() + AWAY_SECONDS)
    while True:
        try:
            return question()
        except LedgerAway:
            left = ends - time.monotonic()
            if left <= 0:
                raise
        time.sleep(min(pause, left))
