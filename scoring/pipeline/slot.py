"""One look at a slot that waits: it is skipped, refused, left waiting, or gets its job."""

from datetime import datetime, timedelta

from scoring.core.errors import (
    ErrorCode,
    InputMissing,
    LedgerAway,
    NotFound,
    OutputTaken,
    ScoringError,
    ServerUnreachable,
    StorageFault,
    TooManyJobs,
)
from scoring.core.schedules.policies import Overlap, SlotReason
from scoring.data.arrival import Arrival, arrival
from scoring.ledger import schedules, slot_starts, slots
from scoring.ledger.schedule_rows import Schedule, Slot
from scoring.ledger.slot_starts import Start
from scoring.pipeline.context import Context
from scoring.pipeline.prepare import JobRequest
from scoring.pipeline.submit import draft, record
from scoring.telemetry import announce

HELD = timedelta(seconds=2)
"""Until the next look at a slot that waits for other jobs."""

INPUT = timedelta(seconds=5)
"""Between two looks at an input: one that looks the same at both is whole."""

TAKEN = timedelta(seconds=10)
"""Until the next try of a slot whose output another job holds: a try prepares the whole job."""

PAUSED = timedelta(seconds=15)

PASSES = (StorageFault, ServerUnreachable, TooManyJobs, OSError)
"""Faults of the moment: the slot goes on waiting, and is looked at again once the claim on the look has run out."""


def look(context: Context, slot: Slot, now: datetime) -> bool:
    """Do what the slot's time has come for; True where it has got its job. Raises LedgerAway, and nothing else."""
    try:
        return _act(context, slot, now)
    except LedgerAway:
        raise
    except PASSES as error:
        announce("schedule.held", schedule=slot.schedule, slot=written(slot.slot), error=error)
    except Exception as error:  # noqa: BLE001  # whatever it is: one schedule must not stop the others
        refuse(context, slot, error, now)
    return False


def attempt(context: Context, schedule: Schedule, slot: Slot, now: datetime, *, at_once: bool = False) -> Start:
    """Try to give the slot its job. Raises what `submit` raises; then there is no job.

    at_once: whatever is in the way.
    """
    model, inputs, options = schedule.definition.request_at(slot.slot)
    request = JobRequest(model=model, inputs=inputs, options=options, model_may_be_here=False)
    made = draft(context, request, schedule=slot.schedule, slot=slot.slot)
    started = context.ledger.run(
        lambda tx: slot_starts.start(tx, slot, lambda within: record(within, made), now=now, at_once=at_once)
    )
    if started.job is not None:
        announce("schedule.submitted", schedule=slot.schedule, slot=written(slot.slot), job=started.job.id)
    return started


def refuse(context: Context, slot: Slot, error: Exception, now: datetime) -> None:
    """Put on record why the slot can have no job as things stand."""
    code = error.code if isinstance(error, ScoringError) else ErrorCode.INTERNAL
    text = str(error) if isinstance(error, ScoringError) else f"{type(error).__name__}: {error}"
    event = "schedule.input_late" if isinstance(error, _InputLate) else "schedule.refused"
    if context.ledger.run(lambda tx: slots.refuse(tx, slot, code, text, now)):
        announce(event, schedule=slot.schedule, slot=written(slot.slot), code=code, error=text)


def written(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


class _InputLate(InputMissing):
    """The time to wait for it is over."""


def _act(context: Context, slot: Slot, now: datetime) -> bool:
    if slot.start_by is not None and now > slot.start_by:
        return _skip(context, slot, SlotReason.DEADLINE, now)
    try:
        schedule = context.ledger.look(lambda tx: schedules.find(tx, slot.schedule))
    except NotFound:
        return _skip(context, slot, SlotReason.REMOVED, now)
    # Asked here to spare the preparation; asked again where it counts, in the transaction that starts it.
    held = context.ledger.look(lambda tx: slot_starts.in_the_way(tx, schedule, slot))
    if held is None:
        if not _input_is_here(context, schedule, slot, now):
            return False
        try:
            held = attempt(context, schedule, slot, now).held
        except OutputTaken:
            return _wait(context, slot, SlotReason.OVERLAP, now + TAKEN)
    if held is None:
        return True
    return _hold(context, schedule, slot, held, now)


def _skip(context: Context, slot: Slot, reason: SlotReason, now: datetime) -> bool:
    if context.ledger.run(lambda tx: slots.skip(tx, slot, reason, now)):
        announce("schedule.skipped", schedule=slot.schedule, slot=written(slot.slot), reason=reason)
    return False


def _hold(context: Context, schedule: Schedule, slot: Slot, reason: SlotReason, now: datetime) -> bool:
    if reason is SlotReason.OVERLAP and schedule.definition.overlap is Overlap.FORBID:
        return _skip(context, slot, reason, now)
    return _wait(context, slot, reason, now + (PAUSED if reason is SlotReason.PAUSED else HELD))


def _wait(context: Context, slot: Slot, reason: SlotReason, look_at: datetime) -> bool:
    context.ledger.run(lambda tx: slots.wait(tx, slot, reason, look_at=look_at, input_seen=slot.input_seen))
    return False


def _input_is_here(context: Context, schedule: Schedule, slot: Slot, now: datetime) -> bool:
    """Whether all of the input is there and nobody writes to it; else the slot waits on. Raises _InputLate."""
    if slot.input_by is None:
        return True
    _, inputs, options = schedule.definition.request_at(slot.slot)
    seen = arrival(inputs, format=options.format, roots=context.settings.input_roots)
    if seen is not None and (seen.marked or seen.digest == slot.input_seen):
        return True
    # What came at the last moment, or while the slot stood in line, still gets its second look.
    if now > slot.input_by and (seen is None or slot.input_seen is not None):
        raise _late(slot, inputs, seen)
    digest = None if seen is None else seen.digest
    context.ledger.run(lambda tx: slots.wait(tx, slot, SlotReason.INPUT, look_at=now + INPUT, input_seen=digest))
    return False


def _late(slot: Slot, inputs: tuple[str, ...], seen: Arrival | None) -> _InputLate:
    return _InputLate(
        f"the input of slot {written(slot.slot)} of {slot.schedule} did not come in time",
        expected=f"{', '.join(inputs)}, whole by {written(slot.input_by)}" if slot.input_by else "",
        got="none" if seen is None else "files that still change",
        remedy=f"once it is there: scoring schedule run {slot.schedule} --slot {written(slot.slot)}",
    )
