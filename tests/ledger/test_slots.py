"""Slots: decided on once, started once, whoever is at it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from scoring.core.errors import ErrorCode, NotFound, UsageError
from scoring.core.schedules.policies import SlotOrigin, SlotReason, SlotState
from scoring.core.states import JobState
from scoring.ledger import jobs, schedules, slot_starts, slots
from scoring.ledger.schedule_rows import NewSlot
from scoring.ledger.slot_starts import Start
from tests.ledger.desk import Desk
from tests.ledger.nightly import (
    ALLOW,
    DAY,
    FIRST,
    MINUTE,
    NAME,
    QUEUE,
    added,
    asked,
    decided,
    ended,
    found,
    job_of,
    looked,
    nights,
    slot,
    started,
)

SECOND = FIRST + DAY
THIRD = SECOND + DAY


def count(desk: Desk) -> int:
    return len(desk.ledger.look(lambda tx: jobs.running(tx)))


def test_a_slot_is_decided_on_once(desk: Desk) -> None:
    """Who decides from what it read before is told that it came too late, and changes nothing."""
    added(desk)
    before = found(desk)
    assert decided(desk, FIRST)
    skip = [NewSlot(slot=FIRST, skipped=SlotReason.CATCH_UP)]
    assert not desk.run(lambda tx: slots.decide(tx, before, skip, next_slot=THIRD, now=FIRST))
    assert (SlotState.WAITING, SECOND) == (slot(desk).state, found(desk).next_slot)


def test_a_decision_gives_way_to_an_edit(desk: Desk) -> None:
    """The policies of the new revision count."""
    before = added(desk)
    desk.run(lambda tx: schedules.edit(tx, _with(before, model="other"), next_slot=None))
    assert not desk.run(lambda tx: slots.decide(tx, before, [], next_slot=SECOND, now=FIRST))


def _with(schedule: schedules.Schedule, **changes: object) -> schedules.ScheduleDefinition:
    return replace(schedule.definition, **changes)  # type: ignore[arg-type]


def test_a_look_is_claimed_by_one(desk: Desk, other_desk: Desk) -> None:
    """The next one looks when the first has been silent for a while."""
    added(desk)
    decided(desk, FIRST)
    seen = looked(desk, FIRST)
    assert seen is not None
    assert FIRST == seen.slot
    assert other_desk.run(lambda tx: slots.claim_look(tx, NAME, FIRST, FIRST)) is None
    assert looked(other_desk, FIRST + timedelta(seconds=14)) is None
    assert looked(other_desk, FIRST + timedelta(seconds=15)) == seen


def test_of_a_line_the_first_alone_are_looked_at_and_backfills_last(desk: Desk) -> None:
    """Thousands that wait their turn do not keep a due slot from its look."""
    added(desk)
    asked(desk, *nights(50, FIRST - 100 * DAY))
    decided(desk, FIRST)
    seen = desk.ledger.look(lambda tx: slots.to_look_at(tx, FIRST, 20))
    assert [FIRST, *nights(slots.LANE, FIRST - 100 * DAY)] == [at for _, at in seen]


def test_a_slot_gets_its_job(desk: Desk) -> None:
    """The job bears schedule and slot, the slot bears the job."""
    added(desk)
    decided(desk, FIRST)
    job = started(desk).job
    assert job is not None
    assert (NAME, FIRST) == (job.schedule, job.slot)
    assert (SlotState.SUBMITTED, job.id, None) == ((seen := slot(desk)).state, seen.job_id, seen.reason)
    assert looked(desk, FIRST + DAY) is None


def test_of_two_starts_one_makes_the_job(desk: Desk) -> None:
    """The other one leaves nothing."""
    added(desk, overlap=ALLOW)
    decided(desk, FIRST)
    waiting, new = slot(desk), desk.new(schedule=NAME, slot=FIRST)
    assert started(desk).job is not None
    again = desk.run(lambda tx: slot_starts.start(tx, waiting, lambda within: jobs.insert_job(within, new), now=FIRST))
    assert Start() == again
    assert 1 == count(desk)


def test_a_live_job_is_in_the_way_until_it_lets_its_output_go(desk: Desk) -> None:
    """A cancelled job whose files still move counts as live."""
    added(desk, overlap=QUEUE)
    decided(desk, FIRST, SECOND)
    started(desk)
    assert Start(held=SlotReason.OVERLAP) == started(desk, SECOND)
    job = job_of(desk)
    desk.run(lambda tx: jobs.cancel(tx, job.id))
    assert Start(held=SlotReason.OVERLAP) == started(desk, SECOND)
    desk.finish(job.id)
    assert started(desk, SECOND).job is not None


def test_a_queue_is_worked_off_oldest_first(desk: Desk) -> None:
    """A younger slot waits for an older one that has not started, even with no job live."""
    added(desk, overlap=QUEUE)
    decided(desk, FIRST, SECOND)
    assert Start(held=SlotReason.OVERLAP) == started(desk, SECOND)
    started(desk)
    ended(desk)
    assert started(desk, SECOND).job is not None


def test_allow_asks_for_nothing(desk: Desk) -> None:
    """Jobs of one schedule run side by side."""
    added(desk, overlap=ALLOW)
    decided(desk, FIRST, SECOND)
    assert None not in (started(desk).job, started(desk, SECOND).job)


def test_a_paused_schedule_starts_no_slot_but_those_a_person_asks_for(desk: Desk) -> None:
    """Slots decided on before the pause wait; a backfill goes on."""
    added(desk, overlap=ALLOW)
    decided(desk, SECOND)
    asked(desk, FIRST)
    desk.run(lambda tx: schedules.pause(tx, NAME))
    assert Start(held=SlotReason.PAUSED) == started(desk, SECOND)
    assert started(desk).job is not None


def test_a_backfill_heeds_its_own_limit_alone(desk: Desk) -> None:
    """It runs beside the nightly job, never more of it than it may, and is in no nightly job's way."""
    added(desk)
    decided(desk, THIRD)
    started(desk, THIRD)
    asked(desk, FIRST, SECOND, max_parallel=1)
    assert started(desk).job is not None
    assert Start(held=SlotReason.PARALLEL) == started(desk, SECOND)
    ended(desk, THIRD)
    decided(desk, THIRD + DAY)
    assert started(desk, THIRD + DAY).job is not None
    ended(desk)
    assert started(desk, SECOND).job is not None


def test_a_person_is_not_held(desk: Desk) -> None:
    """`schedule run` starts beside a live job, and starts a slot that waits."""
    added(desk)
    decided(desk, FIRST, SECOND)
    started(desk)
    assert Start(held=SlotReason.OVERLAP) == started(desk, SECOND)
    assert started(desk, SECOND, at_once=True).job is not None
    asked(desk, THIRD, origin=SlotOrigin.MANUAL)
    assert started(desk, THIRD).job is not None


@pytest.mark.parametrize("end", ["skipped", "refused"])
def test_what_was_skipped_or_refused_can_be_asked_for_again(desk: Desk, end: str) -> None:
    """Nothing of the first stretch is left: no deadline, no reason, no error. A slot with a job stays as it is."""
    added(desk)
    decided(desk, FIRST, start_by=FIRST + MINUTE, input_by=FIRST + MINUTE)
    waiting = slot(desk)
    if end == "skipped":
        assert desk.run(lambda tx: slots.skip(tx, waiting, SlotReason.DEADLINE, FIRST))
    else:
        assert desk.run(lambda tx: slots.refuse(tx, waiting, ErrorCode.INPUT_MISSING, "no such file", FIRST))
    [again] = asked(desk, FIRST, origin=SlotOrigin.MANUAL)
    assert (SlotState.WAITING, SlotOrigin.MANUAL) == (again.state, again.origin)
    assert (None,) * 5 == (again.start_by, again.input_by, again.reason, again.error_code, again.error)
    job = started(desk).job
    [kept] = asked(desk, FIRST)
    assert job is not None
    assert (SlotState.SUBMITTED, job.id) == (kept.state, kept.job_id)


def test_a_backfill_is_stopped(desk: Desk, other_desk: Desk) -> None:
    """What is in line is skipped and gets no job, of its schedule alone; jobs, nights and manual slots stay."""
    added(desk)
    first, second = asked(desk, FIRST - 2 * DAY, FIRST - DAY, max_parallel=1)
    started(desk, first.slot)
    decided(desk, FIRST)
    asked(desk, SECOND, origin=SlotOrigin.MANUAL)
    assert 1 == desk.run(lambda tx: slots.stop_backfill(tx, NAME))
    assert (SlotState.SKIPPED, SlotReason.STOPPED) == ((seen := slot(desk, second.slot)).state, seen.reason)
    assert Start() == started(other_desk, second.slot)
    assert [SlotState.SUBMITTED, SlotState.WAITING, SlotState.WAITING] == [
        slot(desk, at).state for at in (first.slot, FIRST, SECOND)
    ]
    assert 0 == desk.run(lambda tx: slots.stop_backfill(tx, NAME))
    assert SlotState.WAITING is asked(desk, second.slot)[0].state, "it may be asked for again"
    with pytest.raises(NotFound):
        desk.run(lambda tx: slots.stop_backfill(tx, "other"))


def test_a_time_in_a_doubled_hour_is_found_again(desk: Desk) -> None:
    """It equals no time in UTC, and is one slot all the same."""
    added(desk)
    local = datetime(2026, 10, 25, 2, 5, tzinfo=ZoneInfo("Europe/Berlin"))
    [waiting] = asked(desk, local)
    assert datetime(2026, 10, 25, 0, 5, tzinfo=UTC) == waiting.slot


def test_who_was_away_while_a_slot_waited_anew_moves_nothing(desk: Desk) -> None:
    """The verdict over the first stretch of waiting is none over the second."""
    added(desk)
    decided(desk, FIRST)
    old = slot(desk)
    desk.run(lambda tx: slots.skip(tx, old, SlotReason.OVERLAP, FIRST))
    desk.run(lambda tx: slots.ask(tx, NAME, [FIRST], origin=SlotOrigin.MANUAL, now=FIRST + MINUTE))
    assert not desk.run(lambda tx: slots.skip(tx, old, SlotReason.DEADLINE, FIRST))
    assert not desk.run(lambda tx: slots.refuse(tx, old, ErrorCode.USAGE, "no", FIRST))
    assert not desk.run(lambda tx: slots.wait(tx, old, SlotReason.INPUT, look_at=FIRST))


def test_slots_of_an_unknown_schedule_cannot_be_asked_for(desk: Desk) -> None:
    """A removed schedule runs nothing."""
    with pytest.raises(NotFound):
        asked(desk, FIRST)


def test_a_job_under_the_same_key_becomes_the_slots_job(desk: Desk) -> None:
    """Somebody submitted it by hand before; a job that has a slot already stays with it."""
    added(desk, overlap=ALLOW)
    decided(desk, FIRST, SECOND)
    by_hand = desk.submit(idempotency_key="k")
    assert by_hand.id == (started(desk, idempotency_key="k").job or by_hand).id
    assert by_hand.id == job_of(desk).id
    with pytest.raises(UsageError, match="belongs to slot 2026-03-01T02:00:00Z"):
        started(desk, SECOND, idempotency_key="k")
    assert SlotState.WAITING is slot(desk, SECOND).state


def test_lateness_is_judged_once(desk: Desk) -> None:
    """Who is in time is never said to be late; the rest once, with the state of its job if any."""
    added(desk, overlap=ALLOW)
    far = FIRST.replace(year=FIRST.year + 50)
    decided(desk, FIRST, expected_by=far)
    decided(desk, SECOND, expected_by=SECOND + MINUTE)
    decided(desk, THIRD, expected_by=SECOND + MINUTE)
    started(desk)
    job = job_of(desk)
    desk.split_into(job.id, 0)
    desk.finish(job.id)
    started(desk, THIRD)
    assert [] == desk.run(lambda tx: slots.judge_late(tx, SECOND))
    late = desk.run(lambda tx: slots.judge_late(tx, far + MINUTE))
    assert [(SECOND, None), (THIRD, JobState.ACCEPTED)] == sorted((place.slot, state) for place, state in late)
    assert [] == desk.run(lambda tx: slots.judge_late(tx, far + MINUTE))
