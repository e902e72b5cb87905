"""Times as a person writes them, on the clock of a schedule, and the slots that they mean."""

from datetime import UTC, datetime

import pytest

from scoring.cli.schedule_times import day_of, point, slot_meant, slots_between
from scoring.core.errors import UsageError
from scoring.core.schedules.cron import CronLine

BERLIN = CronLine.parse("0 2 * * *", "Europe/Berlin")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def meant(text: str, line: CronLine = BERLIN, *known: datetime) -> datetime:
    return slot_meant(text, line, NOON, known.__contains__)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2026-01-02", datetime(2026, 1, 1, 23, tzinfo=UTC), id="a day begins on the zone's clock"),
        pytest.param("2026-01-02T02:00", datetime(2026, 1, 2, 1, tzinfo=UTC), id="a time of the zone"),
        pytest.param("2026-01-02 02:00", datetime(2026, 1, 2, 1, tzinfo=UTC), id="with a blank"),
        pytest.param("2026-01-02T02:00Z", datetime(2026, 1, 2, 2, tzinfo=UTC), id="an offset counts"),
        pytest.param("2026-03-29T02:05", datetime(2026, 3, 29, 1, 5, tzinfo=UTC), id="left out: 03:05 on the clock"),
        pytest.param("2026-10-25T02:05", datetime(2026, 10, 25, 0, 5, tzinfo=UTC), id="it comes twice: the first"),
        pytest.param("2026-10-25T02:05+01:00", datetime(2026, 10, 25, 1, 5, tzinfo=UTC), id="the second"),
    ],
)
def test_a_time_is_on_the_clock_of_the_schedule(text: str, expected: datetime) -> None:
    """Unless it says otherwise; and in UTC, where it equals the slot of that moment, whatever clocks do."""
    assert expected == point(text, "--slot", BERLIN)


@pytest.mark.parametrize("text", ["yesterday", "", "0001-01-01", "9999-12-31"])
def test_what_is_no_time_is_refused(text: str) -> None:
    """The option is named."""
    with pytest.raises(UsageError, match="--slot"):
        point(text, "--slot", BERLIN)


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-20", 24)], ids=["short", "long", "usual"]
)
def test_a_day_has_the_hours_of_its_zone(day: str, hours: int) -> None:
    """From its first slot to its last, both included."""
    ends = day_of(day, "--from", BERLIN)
    assert ends is not None
    assert hours == len(slots_between(CronLine.parse("0 * * * *", "Europe/Berlin"), *ends))
    assert day_of(f"{day}T00:00", "--from", BERLIN) is None


def test_a_day_means_the_slot_of_that_day() -> None:
    """On the clock of the zone, not in UTC."""
    late = CronLine.parse("30 0 * * *", "Europe/Berlin")
    assert datetime(2026, 11, 19, 23, 30, tzinfo=UTC) == meant("2026-11-20", late)


@pytest.mark.parametrize(
    ("text", "cron", "said"),
    [
        pytest.param("2026-11-20", "0 9,17 * * *", "2026-11-20T09:00:00+01:00, 2026-11-20T17:00", id="a day of two"),
        pytest.param("2026-11-20", "@hourly", "T03:00:00+01:00 and more", id="a day of many"),
        pytest.param("2026-11-20", "0 2 * * 1", "2026-11-16T02:00:00+01:00 and 2026-11-23T02:", id="a day of none"),
        pytest.param("2026-11-20T14:00", "0 2 * * *", "11-20T02:00:00+01:00 and 2026-11-21T02:", id="between two"),
        pytest.param("2026-11-23T02:00", "0 2 * * *", "to come", id="a slot of the future"),
        pytest.param("2026-11-23", "0 2 * * *", "to come", id="a day of the future"),
    ],
)
def test_what_names_no_one_slot_is_refused_with_those_that_may_be_meant(text: str, cron: str, said: str) -> None:
    """All slots of the day, or the nearest ones before and after."""
    with pytest.raises(UsageError, match="--slot") as refused:
        meant(text, CronLine.parse(cron, "Europe/Berlin"))
    assert said in str(refused.value)


def test_a_time_that_is_on_record_is_a_slot() -> None:
    """Whatever the line says today."""
    at = datetime(2026, 11, 20, 13, tzinfo=UTC)
    assert at == meant("2026-11-20T14:00", BERLIN, at)


def test_a_date_to_ends_with_its_last_slot() -> None:
    """--to 2026-01-02 holds the slot of that night."""
    late = CronLine.parse("0 23 * * *", "Europe/Berlin")
    ends = day_of("2026-01-02", "--to", late)
    assert ends is not None
    assert 2 == len(slots_between(late, point("2026-01-01", "--from", late), ends[1]))
    assert 1 == len(slots_between(late, point("2026-01-01", "--from", late), point("2026-01-02T22:59", "--to", late)))
