"""Catch-up: every slot is decided once, in order, and as the policy says."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.core.schedules.cron import CronLine
from scoring.core.schedules.decide import MOST_DECIDED, MOST_SKIPPED, due, passed_slots
from scoring.core.schedules.policies import CatchUp

HOURLY = CronLine.parse("0 * * * *")
MINUTELY = CronLine.parse("* * * * *")


def at(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 1, 1, hour, minute, second, tzinfo=UTC)


@pytest.mark.parametrize(
    ("catch_up", "now", "run", "skipped", "then"),
    [
        pytest.param(CatchUp.NONE, at(0, 59), [], [], 1, id="nothing is due"),
        pytest.param(CatchUp.NONE, at(1, 0), [1], [], 2, id="due now"),
        pytest.param(CatchUp.NONE, at(1, 2), [1], [], 2, id="seen in time, to the second"),
        pytest.param(CatchUp.NONE, at(1, 2, 1), [], [1], 2, id="missed"),
        pytest.param(CatchUp.NONE, at(4, 1), [4], [1, 2, 3], 5, id="none: the one that is in time runs"),
        pytest.param(CatchUp.LATEST, at(4, 1), [4], [1, 2, 3], 5, id="latest: the one in time is the latest"),
        pytest.param(CatchUp.LATEST, at(4, 30), [4], [1, 2, 3], 5, id="latest: the newest missed one runs"),
        pytest.param(CatchUp.ALL, at(4, 30), [1, 2, 3, 4], [], 5, id="all: all run, oldest first"),
    ],
)
def test_a_policy_decides_on_what_passed(
    catch_up: CatchUp, now: datetime, run: list[int], skipped: list[int], then: int
) -> None:
    """Slots of an hourly line whose first undecided one is at one o'clock."""
    decision = due(HOURLY, at(1), now, catch_up)
    expected = ([at(hour) for hour in run], [at(hour) for hour in skipped], at(then))
    assert expected == (list(decision.run), list(decision.skipped), decision.next_slot)


@pytest.mark.parametrize("catch_up", list(CatchUp))
def test_slots_seen_in_time_all_run(catch_up: CatchUp) -> None:
    """A scheduler that was held up for a minute and a half loses no slot of a line of minutes, whatever the policy."""
    decision = due(MINUTELY, at(1), at(1, 1, 30), catch_up)
    assert (at(1), at(1, 1)) == decision.run
    assert () == decision.skipped


def test_a_year_of_minutes_is_not_walked_through() -> None:
    """Of half a million missed slots the newest are put on record, and the newest alone runs."""
    now = at(1) + timedelta(days=365)
    decision = due(MINUTELY, at(1), now, CatchUp.LATEST)
    assert (now - timedelta(minutes=2), now - timedelta(minutes=1), now) == decision.run
    assert MOST_SKIPPED == len(decision.run) + len(decision.skipped)
    assert now + timedelta(minutes=1) == decision.next_slot


def test_catching_up_with_all_is_done_in_bounded_steps() -> None:
    """Each call decides on so many, and the next one goes on where it ended."""
    first = due(MINUTELY, at(0), at(10), CatchUp.ALL)
    assert MOST_DECIDED == len(first.run)
    assert first.next_slot is not None
    second = due(MINUTELY, first.next_slot, at(10), CatchUp.ALL)
    assert 601 == len(first.run) + len(second.run)
    assert first.run[-1] + timedelta(minutes=1) == second.run[0]


def test_slots_that_passed_in_a_pause_are_listed_up_to_now() -> None:
    """Both ends count."""
    assert (at(1), at(2), at(3)) == passed_slots(HOURLY, at(1), at(3))


@settings(max_examples=150, deadline=None)
@given(
    text=st.sampled_from(["*/7 * * * *", "0 * * * *", "30 2 * * *", "0,30 1-3 * * *"]),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"]),
    catch_up=st.sampled_from(list(CatchUp)),
    start=st.sampled_from([at(0) + timedelta(days=days) for days in (66, 86, 150, 296, 303)]),
    jumps=st.lists(st.integers(-7200, 14_400), max_size=25),
)
def test_every_slot_is_decided_once_and_in_order(
    text: str, zone: str, catch_up: CatchUp, start: datetime, jumps: list[int]
) -> None:
    """Whatever the clock does, back and forth: run and skipped together are the line's slots, each once."""
    line = CronLine.parse(text, zone)
    now = start
    first = next(line.after(now))
    cursor: datetime | None = first
    decided: list[datetime] = []
    for jump in jumps:
        now += timedelta(seconds=jump)
        assert cursor is not None
        decision = due(line, cursor, now, catch_up)
        assert not (decision.skipped and catch_up is CatchUp.ALL)
        assert all(skipped < run for skipped in decision.skipped for run in decision.run)
        decided += [*decision.skipped, *decision.run]
        cursor = decision.next_slot
    assert cursor is not None
    assert list(passed_slots(line, first, cursor - timedelta(seconds=1))) == decided
