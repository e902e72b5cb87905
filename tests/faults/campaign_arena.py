"""Where a campaign takes place: servers, wires, fleet and user, and what will pass by itself."""

import heapq
import itertools
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import psycopg

from tests.faults.campaign_draw import Act
from tests.faults.campaign_fleet import Fleet
from tests.faults.campaign_jobs import User
from tests.faults.proxy import TcpProxy
from tests.servers import Servers


@dataclass(kw_only=True)
class Arena:
    """All that a fault can get at."""

    servers: Servers
    # The wires that the fleet reaches them by.
    postgres: TcpProxy
    redis: TcpProxy
    # The ledger's database, by a way of our own.
    database: str
    fleet: Fleet
    user: User
    # (when, n-th, what): what passes by itself, by the monotonic clock.
    _undone: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _count: "itertools.count[int]" = field(default_factory=itertools.count)

    def later(self, seconds: float, undo: Callable[[], None]) -> None:
        heapq.heappush(self._undone, (time.monotonic() + seconds, next(self._count), undo))

    def undo(self, *, all_of_it: bool = False) -> None:
        """What is over by now, or all that is left."""
        while self._undone and (all_of_it or self._undone[0][0] <= time.monotonic()):
            heapq.heappop(self._undone)[2]()

    def sql(self, query: str) -> None:
        """On a connection of its own, as far as the server answers."""
        with suppress(psycopg.Error), psycopg.connect(self.database, autocommit=True) as connection:
            connection.execute(query.encode())


Strike = Callable[[Arena, Act], str]
"""Do it; the target in words."""
