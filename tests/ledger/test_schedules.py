"""Schedules: every change is a revision, and the cursor is moved by one."""

import pytest
from sqlalchemy import text

from scoring.core.errors import NotFound, UsageError
from scoring.core.schedules.policies import ScheduleChange, SlotReason, SlotState
from scoring.ledger import schedules
from tests.ledger.desk import Desk
from tests.ledger.nightly import ALLOW, DAY, FIRST, NAME, added, decided, definition, found, nights, slot


def changes(desk: Desk, name: str = NAME) -> list[tuple[int, str]]:
    lines = desk.ledger.look(lambda tx: schedules.history(tx, name))
    return [(line.revision, line.change) for line in lines]


def edited(desk: Desk, **fields: object) -> schedules.Schedule:
    changed = definition(**fields)  # type: ignore[arg-type]
    return desk.run(lambda tx: schedules.edit(tx, changed, next_slot=FIRST + 5 * DAY))


def test_a_schedule_is_found_as_it_was_added(desk: Desk) -> None:
    """The definition comes back whole, at its first revision."""
    made = added(desk, overlap=ALLOW, expect_by="06:00", arguments={"key": ("id",)})
    assert made == found(desk)
    assert definition(overlap=ALLOW, expect_by="06:00", arguments={"key": ("id",)}) == made.definition
    assert (1, False, False, FIRST) == (made.revision, made.paused, made.managed, made.next_slot)
    assert [made] == desk.ledger.look(schedules.all_schedules)


def test_a_name_is_given_once(desk: Desk) -> None:
    """The second `add` is told to use `edit`."""
    added(desk)
    with pytest.raises(UsageError, match=f"schedule edit {NAME}"):
        added(desk)


def test_an_unknown_schedule_is_named_with_the_nearest(desk: Desk) -> None:
    """Did you mean."""
    added(desk)
    with pytest.raises(NotFound, match=f"did you mean {NAME}"):
        found(desk, "nigthly")


def test_an_edit_keeps_the_cursor_unless_the_times_change(desk: Desk) -> None:
    """What is due stays due under a new model; a new cron line begins where the caller says."""
    added(desk)
    assert (2, FIRST) == ((now := edited(desk, model="other")).revision, now.next_slot)
    assert (3, FIRST + 5 * DAY) == ((now := edited(desk, cron="0 3 * * *")).revision, now.next_slot)
    assert 3 == edited(desk, cron="0 3 * * *").revision, "an edit that changes nothing is none"


def test_history_tells_each_change(desk: Desk) -> None:
    """Added, edited, paused, resumed, removed: one line each, and they outlive the schedule."""
    added(desk)
    edited(desk, model="other")
    desk.run(lambda tx: schedules.pause(tx, NAME))
    desk.run(lambda tx: schedules.pause(tx, NAME))
    desk.run(lambda tx: schedules.resume(tx, NAME, next_slot=FIRST + DAY, skipped=[]))
    desk.run(lambda tx: schedules.resume(tx, NAME, next_slot=FIRST + DAY, skipped=[]))
    desk.run(lambda tx: schedules.remove(tx, NAME))
    assert list(enumerate(ScheduleChange, start=1)) == changes(desk)
    assert [] == desk.ledger.look(schedules.all_schedules)


def test_a_pause_holds_the_cursor_and_a_resumption_records_what_passed(desk: Desk) -> None:
    """While paused nothing is due; the slots that passed are skipped, and those that ran keep their row."""
    added(desk)
    decided(desk, FIRST)
    paused = desk.run(lambda tx: schedules.pause(tx, NAME))
    assert (True, None, FIRST + DAY) == (paused.paused, paused.next_slot, paused.paused_from)
    assert [] == desk.ledger.look(lambda tx: schedules.due(tx, FIRST + 9 * DAY))
    resumed = desk.run(lambda tx: schedules.resume(tx, NAME, next_slot=FIRST + 3 * DAY, skipped=nights(3)))
    assert (False, FIRST + 3 * DAY, None) == (resumed.paused, resumed.next_slot, resumed.paused_from)
    assert SlotState.WAITING is slot(desk).state
    assert (SlotState.SKIPPED, SlotReason.PAUSED) == ((seen := slot(desk, FIRST + 2 * DAY)).state, seen.reason)


def test_a_removed_schedule_leaves_its_slots_and_its_revisions(desk: Desk) -> None:
    """Waiting slots are skipped; a namesake counts on and does not decide twice."""
    added(desk)
    decided(desk, *nights(2))
    desk.run(lambda tx: schedules.remove(tx, NAME))
    assert (SlotState.SKIPPED, SlotReason.REMOVED) == ((seen := slot(desk)).state, seen.reason)
    assert 3 == added(desk).revision
    assert decided(desk, *nights(3))
    assert [SlotState.SKIPPED, SlotState.SKIPPED, SlotState.WAITING] == [slot(desk, at).state for at in nights(3)]


def test_due_is_what_the_cursor_has_come_to(desk: Desk) -> None:
    """The longest overdue first; a line without a further time is never due."""
    added(desk, "late", next_slot=FIRST)
    added(desk, "later", next_slot=FIRST - DAY)
    added(desk, "done", next_slot=None)
    added(desk, "tomorrow", next_slot=FIRST + DAY)
    assert ["later", "late"] == desk.ledger.look(lambda tx: schedules.due(tx, FIRST))


def test_late_is_the_newest_slot_whose_time_has_come(desk: Desk) -> None:
    """What is expected tomorrow does not hide what is missing today; without expectations there is no word."""
    late = text("SELECT late FROM schedules WHERE schedule = :name")

    def word() -> object:
        return desk.ledger.look(lambda tx: tx.scalar(late, {"name": NAME}))

    added(desk)
    assert None is word()
    decided(desk, FIRST, expected_by=FIRST + DAY)
    far = FIRST.replace(year=FIRST.year + 50)
    decided(desk, FIRST + DAY, expected_by=far)
    assert word()
