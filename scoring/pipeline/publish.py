"""Ring what is due: the one publisher, for the splitter, the workers and the scheduler alike."""

from scoring.core.ids import StepId
from scoring.core.states import Priority
from scoring.ledger import processes, publish
from scoring.ledger.database import Tx
from scoring.pipeline.context import Context

RUNG_PER_SLOT = 4
"""Messages that wait per worker slot: enough that no slot idles, few enough that the next job is not starved."""


def publish_due(context: Context) -> bool:
    """Ring the due steps that fit into each queue's window. False where the broker could not be reached."""
    reached = True
    for priority in Priority:
        due = context.ledger.run(lambda tx, p=priority: _take(tx, context, p))  # type: ignore[misc]
        if due and not context.bell.ring(due, priority):
            context.ledger.run(lambda tx, steps=due: publish.unring(tx, steps))  # type: ignore[misc]
            reached = False
    return reached


def _take(tx: Tx, context: Context, priority: Priority) -> list[StepId]:
    slots = context.slots if context.slots is not None else processes.live_slots(tx, priority)
    window = RUNG_PER_SLOT * max(1, slots)
    return publish.publish_due(tx, scope=context.only_job, priority=priority, window=window)
