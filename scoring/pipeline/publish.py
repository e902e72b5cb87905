"""Ring what is due: the one publisher, for the splitter, the workers and the scheduler alike."""

from scoring.core.errors import LedgerAway
from scoring.core.ids import StepId
from scoring.core.states import Priority
from scoring.failpoints import reach
from scoring.ledger import processes, publish
from scoring.ledger.database import Tx
from scoring.pipeline.context import Context
from scoring.telemetry import announce

RUNG_PER_SLOT = 4
"""Messages that wait per worker slot: enough that no slot idles, few enough that the next job is not starved."""


def publish_due(context: Context) -> bool:
    """Ring the due steps that fit into each queue's window. False where the broker could not be reached.

    Without a deployment each process rings the steps of the one job that it works on, and nobody those of the fleet.
    """
    if context.only_job is None and not context.settings.deployed:
        return True
    due = context.ledger.run(lambda tx: {priority: _take(tx, context, priority) for priority in Priority})
    if not any(due.values()):
        return True
    reach("publish.marked")
    lost = [step for priority, steps in due.items() if not context.bell.ring(steps, priority) for step in steps]
    reach("publish.sent")
    if lost:
        context.ledger.run(lambda tx: publish.unring(tx, lost))
    return not lost


def ring_due(context: Context) -> bool:
    """As `publish_due`, for a move that is committed: what keeps it from being rung now is no error of the move."""
    try:
        return publish_due(context)
    except LedgerAway as error:
        announce("ledger.away", error=str(error))
        return False


def _take(tx: Tx, context: Context, priority: Priority) -> list[StepId]:
    slots = context.slots if context.slots is not None else processes.live_slots(tx, priority)
    window = RUNG_PER_SLOT * max(1, slots)
    return publish.publish_due(tx, scope=context.only_job, priority=priority, window=window)
