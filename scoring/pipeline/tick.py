"""One turn of the scheduler: rescue, wake, publish, and ring again what the broker lost."""

import time
from collections.abc import Callable
from functools import partial

from scoring.core.chunks import LOW_BYTES
from scoring.core.errors import LedgerAway
from scoring.core.ids import JobId, StepId
from scoring.core.states import Priority
from scoring.failpoints import reach
from scoring.ledger import jobs, publish, steps
from scoring.ledger.database import Tx
from scoring.ledger.revisions import require_still
from scoring.pipeline.context import Context
from scoring.pipeline.publish import publish_due
from scoring.telemetry import announce

TURN_SECONDS = 1.0
"""Pause between two turns; shorter where a lease is so short that this would be a gap in sight."""

TURNS_PER_LEASE = 6
PAGE = 200
"""Leases rescued in one transaction; the rest wait for the next turn."""


Clocks = tuple[float, float]
"""(monotonic, wall) seconds: the first stands still while a laptop sleeps, the second jumps when it is set."""


def clocks() -> Clocks:
    return time.monotonic(), time.time()


class Ticker:
    """The memory of one scheduler between turns. Any number may run: every action is one guarded statement."""

    def __init__(self, context: Context, *, clocks: Callable[[], Clocks] = clocks) -> None:
        self._context = context
        self._clocks = clocks
        self._sight = Sight(context.settings.lease_seconds)
        self._losses = dict.fromkeys(Priority, 0)

    def turn(self) -> float:
        """Do what is due now; returns the seconds until the next turn. Never raises for a ledger that is away."""
        try:
            self._act()
        except LedgerAway as error:
            self._sight.lose()
            announce("ledger.away", error=str(error))
        return min(TURN_SECONDS, self._context.settings.lease_seconds / TURNS_PER_LEASE)

    def _act(self) -> None:
        context = self._context
        server = context.ledger.run(_server_start)
        if self._sight.clear(self._clocks(), server):
            self._rescue(server)
        for job_id in context.ledger.run(lambda tx: jobs.running(tx, scope=context.only_job)):
            self._tend(job_id)
        publish_due(context)
        for priority in Priority:
            if context.only_job is None:
                self._ring_lost(priority)
            else:
                self._ring_overdue(priority)

    def _rescue(self, server: str) -> None:
        try:
            rescued = self._context.ledger.run(lambda tx: self._rescued(tx, server))
        except _SightLost:
            return
        for step in rescued:
            announce("step.rescued", step=str(step))

    def _rescued(self, tx: Tx, server: str) -> list[StepId]:
        rescued = steps.rescue_expired(tx, scope=self._context.only_job, limit=PAGE)
        if rescued and not self._sight.clear(self._clocks(), server):
            raise _SightLost
        if rescued:
            reach("rescue.commit")
        return rescued

    def _tend(self, job_id: JobId) -> None:
        """What a worker that died between its commit and the next step has left undone."""
        run = self._context.ledger.run
        run(lambda tx: steps.unpark_split(tx, job_id, LOW_BYTES))
        run(lambda tx: steps.arm_finalize(tx, job_id))

    def _ring_lost(self, priority: Priority) -> None:
        """Ring again as many as the broker misses, once it has missed them at two turns in a row.

        Where it does not tell, as `_ring_overdue`.
        """
        context = self._context
        depth = context.bell.depth(priority)
        if depth is None:
            self._ring_overdue(priority)
            return
        rung = context.ledger.run(lambda tx: publish.rung(tx, priority))
        lost, before = max(0, rung - depth), self._losses[priority]
        self._losses[priority] = lost
        again = min(lost, before)
        if again == 0:
            return
        oldest = context.ledger.run(lambda tx: publish.oldest_rung(tx, priority, again))
        announce("queue.lost", queue=priority, messages=len(oldest))
        context.bell.ring(oldest, priority)
        self._losses[priority] = 0

    def _ring_overdue(self, priority: Priority) -> None:
        """Ring each step again after a lease, then after twice as long, and so on.

        In memory too a message can be lost: where the ledger went away between the mark and the bell.
        """
        context, seconds = self._context, self._context.settings.lease_seconds
        find = partial(publish.overdue_rung, priority=priority, lease_seconds=seconds, scope=context.only_job)
        # Looked at first: on SQLite whoever writes keeps others waiting.
        if context.ledger.look(lambda tx: publish.rung(tx, priority, scope=context.only_job)):
            context.bell.ring(context.ledger.run(find), priority)


class _SightLost(Exception):
    """Undoes a rescue that took long: whoever locked the steps has kept their owners from extending them, too."""


def _server_start(tx: Tx) -> str:
    require_still(tx)
    return steps.server_start(tx)


class Sight:
    """Whether this scheduler has watched the ledger for one whole lease without a gap.

    Leases that ran out while nobody could extend them (an outage, a closed lid) are no dead workers.
    """

    def __init__(self, lease_seconds: float) -> None:
        self._lease = lease_seconds
        self._since: Clocks | None = None
        self._last: Clocks = (0.0, 0.0)
        self._server: object = None

    def lose(self) -> None:
        self._since = None

    def clear(self, now: Clocks, server: object) -> bool:
        """Note one look at the ledger at `now`, on the server that started at `server`."""
        gap = max(this - last for this, last in zip(now, self._last, strict=True))
        if self._since is None or gap > self._lease / 3 or server != self._server:
            self._since = now
        self._last, self._server = now, server
        return now[0] - self._since[0] >= self._lease
