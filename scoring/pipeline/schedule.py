"""Fire schedules: decide on the slots that are due, look at those that wait, and say what is late."""

from datetime import datetime

from scoring.core.errors import LedgerAway, NotFound, OutputTaken, ScoringError
from scoring.core.schedules import decide
from scoring.core.schedules.policies import SlotOrigin, SlotReason
from scoring.core.states import JobState
from scoring.ledger import jobs, schedules, slots
from scoring.ledger.clock import read_clock
from scoring.ledger.database import Tx
from scoring.ledger.schedule_rows import NewSlot, Schedule, Slot
from scoring.pipeline.context import Context
from scoring.pipeline.publish import ring_due
from scoring.pipeline.slot import PASSES, attempt, look, refuse, written
from scoring.pipeline.submit import Submitted
from scoring.telemetry import announce

LOOKS = 16
"""Slots looked at in one turn; the next turn sees what has become due meanwhile."""


def fire(context: Context, now: datetime | None = None) -> bool:
    """One turn of firing; True where more may be due at once. Any number of schedulers may fire at any time.

    now: by default the ledger's clock, which is one for all hosts. Raises LedgerAway.
    """
    at = now or context.ledger.look(read_clock)
    for name in context.ledger.look(lambda tx: schedules.due(tx, at)):
        _decide(context, name, at)
    waiting = context.ledger.look(lambda tx: slots.to_look_at(tx, at, LOOKS))
    # The time is asked for again at each look: the one before may have taken long.
    if sum(_look(context, schedule, slot, now or context.ledger.look(read_clock)) for schedule, slot in waiting):
        ring_due(context)
    for slot, state in context.ledger.run(lambda tx: slots.judge_late(tx, at)):
        announce(
            "schedule.late",
            schedule=slot.schedule,
            slot=written(slot.slot),
            expected_by=written(slot.expected_by) if slot.expected_by else "",
            standing=_standing(slot, state),
        )
    return len(waiting) == LOOKS


def start(context: Context, name: str, slot: datetime) -> Submitted:
    """The job of one slot, now, whatever the policies say: `schedule run`. A slot that has its job keeps it.

    Raises NotFound, and what `submit` raises; then the slot is REFUSED for that reason. After a fault of the moment and
    where a live job holds its output it waits, and a scheduler tries again.
    """
    now = context.ledger.look(read_clock)
    asked = context.ledger.run(lambda tx: _ask(tx, name, slot))
    if asked.job_id is None:
        schedule = context.ledger.look(lambda tx: schedules.find(tx, name))
        try:
            started = attempt(context, schedule, asked, now, at_once=True)
        except (LedgerAway, OutputTaken, *PASSES):
            raise
        except ScoringError as error:
            refuse(context, asked, error, now)
            raise
        if started.job is not None:
            return Submitted(job=started.job, created=True, rung=ring_due(context))
    return Submitted(job=context.ledger.look(lambda tx: jobs.of_slot(tx, name, slot)), created=False, rung=True)


def _ask(tx: Tx, name: str, slot: datetime) -> Slot:
    """The slot, waiting for us alone for a while: should this process die, a scheduler goes on with it."""
    return slots.ask(tx, name, [slot], origin=SlotOrigin.MANUAL, look_in_seconds=slots.LOOK_SECONDS)[0]


def _look(context: Context, schedule: str, slot: datetime, now: datetime) -> bool:
    """True where this look has given the slot its job."""
    claimed = context.ledger.run(lambda tx: slots.claim_look(tx, schedule, slot, now))
    return claimed is not None and look(context, claimed, now)


def _decide(context: Context, name: str, now: datetime) -> None:
    try:
        schedule = context.ledger.look(lambda tx: schedules.find(tx, name))
        if schedule.next_slot is not None:
            _decide_from(context, schedule, schedule.next_slot, now)
    except NotFound:
        return  # removed since
    except LedgerAway:
        raise
    except Exception as error:  # noqa: BLE001  # one schedule that cannot be read must not stop the others
        announce("schedule.broken", schedule=name, error=f"{type(error).__name__}: {error}")


def _decide_from(context: Context, schedule: Schedule, next_slot: datetime, now: datetime) -> None:
    definition = schedule.definition
    decision = decide.due(definition.line, next_slot, now, definition.catch_up)
    skipped = [_slot(schedule, slot, SlotReason.CATCH_UP) for slot in decision.skipped]
    decided = skipped + [_slot(schedule, slot) for slot in decision.run]
    done = context.ledger.run(lambda tx: slots.decide(tx, schedule, decided, next_slot=decision.next_slot, now=now))
    if done and skipped:
        first, last = written(decision.skipped[0]), written(decision.skipped[-1])
        announce("schedule.missed", schedule=schedule.name, slots=len(skipped), first=first, last=last)


def _slot(schedule: Schedule, slot: datetime, skipped: SlotReason | None = None) -> NewSlot:
    definition = schedule.definition
    return NewSlot(
        slot=slot,
        skipped=skipped,
        start_by=definition.start_by(slot),
        input_by=definition.input_by(slot),
        expected_by=definition.expected_by(slot),
    )


def _standing(slot: Slot, state: JobState | None) -> str:
    """How far the slot has come, for a person."""
    if state is not None:
        return f"job {slot.job_id} is {state}"
    why = slot.error_code or slot.reason
    return f"it has no job: {slot.state}" + (f" ({why})" if why else "")
