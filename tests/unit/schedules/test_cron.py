"""Cron lines: which slots there are, around changes of clocks above all, and which lines are refused."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scoring.core.errors import UsageError
from scoring.core.schedules.cron import CronLine

DAY = timedelta(days=1)


def day_of(line: CronLine, day: date) -> list[str]:
    """The slots of a day of the zone, on its clock."""
    start = datetime.combine(day, time(0), tzinfo=line.zone)
    end = datetime.combine(day + DAY, time(0), tzinfo=line.zone)
    slots = takewhile(lambda slot: slot < end, line.after(start - timedelta(microseconds=1)))
    return [f"{slot.astimezone(line.zone):%H:%M%z}" for slot in slots]


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        pytest.param("Europe/Berlin", date(2026, 3, 29), ["03:00+0200"], id="Berlin: 02:30 is left out"),
        pytest.param("Europe/Berlin", date(2026, 10, 25), ["02:30+0200"], id="Berlin: 02:30 comes twice"),
        pytest.param("America/New_York", date(2026, 3, 8), ["03:00-0400"], id="New York: 02:30 is left out"),
        pytest.param("America/New_York", date(2026, 11, 1), ["02:30-0500"], id="New York: 02:30 is after it"),
    ],
)
def test_a_nightly_line_fires_once_in_a_night_when_clocks_change(zone: str, day: date, expected: list[str]) -> None:
    """An hour that is left out does not lose the batch, one that comes twice does not double it."""
    assert expected == day_of(CronLine.parse("30 2 * * *", zone), day)


def test_the_doubled_hour_of_new_york_is_the_one_from_one_to_two() -> None:
    """01:30 comes twice there: the first one counts."""
    assert ["01:30-0400"] == day_of(CronLine.parse("30 1 * * *", "America/New_York"), date(2026, 11, 1))


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        pytest.param("Europe/Berlin", date(2026, 3, 29), 23, id="Berlin: the short day"),
        pytest.param("Europe/Berlin", date(2026, 10, 25), 25, id="Berlin: the long day"),
        pytest.param("America/New_York", date(2026, 3, 8), 23, id="New York: the short day"),
        pytest.param("America/New_York", date(2026, 11, 1), 25, id="New York: the long day"),
    ],
)
def test_an_hourly_line_fires_each_real_hour(zone: str, day: date, hours: int) -> None:
    """A day of 23 hours has 23 slots, one of 25 has 25."""
    assert hours == len(day_of(CronLine.parse("15 * * * *", zone), day))


def test_a_slot_is_an_instant_in_utc() -> None:
    """Two in Berlin's winter is one in UTC."""
    line = CronLine.parse("0 2 * * *", "Europe/Berlin")
    assert datetime(2026, 1, 2, 1, tzinfo=UTC) == next(line.after(datetime(2026, 1, 1, 1, tzinfo=UTC)))
    assert line.fires_at(datetime(2026, 1, 2, 1, tzinfo=UTC))
    assert not line.fires_at(datetime(2026, 1, 2, 2, tzinfo=UTC))
    assert not line.fires_at(datetime(2026, 1, 2, 1, 0, 1, tzinfo=UTC))


LINES = ("30 2 * * *", "0,30 1-3 * * *", "*/20 2 * * *", "15 * * * *", "0 */2 * * *", "0 0 * * *")
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "America/Havana", "UTC")
CHANGES = tuple(datetime(2026, month, day, tzinfo=UTC) for month, day in ((3, 29), (10, 25), (3, 8), (11, 1), (10, 4)))
"""Days on which some of these zones change their clocks."""


@settings(max_examples=200, deadline=None)
@example(text="30 2 * * *", zone="Europe/Berlin", day=CHANGES[1], seconds=4_200)
@example(text="0,30 1-3 * * *", zone="Europe/Berlin", day=CHANGES[1], seconds=4_200)
@given(
    text=st.sampled_from(LINES),
    zone=st.sampled_from(ZONES),
    day=st.sampled_from(CHANGES) | st.integers(0, 364).map(lambda days: CHANGES[0] + days * DAY),
    seconds=st.integers(-43_200, 86_400),
)
def test_both_ways_from_any_moment_the_slots_are_the_same(text: str, zone: str, day: datetime, seconds: int) -> None:
    """after and before agree with one list of all slots of those days, wherever one starts."""
    line = CronLine.parse(text, zone)
    at = day + timedelta(seconds=seconds)
    around = list(takewhile(lambda slot: slot < at + 3 * DAY, line.after(at - 3 * DAY)))
    assert sorted(set(around)) == around
    assert [slot for slot in around if slot > at][:2] == list(islice(line.after(at), 2))
    assert [slot for slot in around if slot < at][:-3:-1] == list(islice(line.before(at), 2))


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@Annually", "0 0 1 1 *"),
        ("  0  2 * * mon ", "0 2 * * mon"),
    ],
)
def test_a_macro_stands_for_five_fields(text: str, spelled: str) -> None:
    """It is kept as written and read as crontab(5) says."""
    assert spelled == CronLine.parse(text).fields


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("0 2 * *", "five fields", id="four fields"),
        pytest.param("0 0 2 * * *", "leave the seconds out", id="six fields"),
        pytest.param("", "got 0", id="no field"),
        pytest.param("@dayly", "@daily", id="a macro that is none"),
        pytest.param("@reboot", "@daily", id="a macro that is no time"),
        pytest.param("61 * * * *", "minute: 0-59", id="minute 61"),
        pytest.param("0 24 * * *", "hour: 0-23", id="hour 24"),
        pytest.param("0 0 * * BAD", "day-of-week: 0-7", id="a day that is none"),
        pytest.param("0 0 30 2 *", "no such day in that month", id="30 February"),
        pytest.param("0 0 31 4,6,9,11 *", "no such day in that month", id="the 31st of short months"),
        pytest.param("*/0 * * * *", "minute", id="a step of nothing"),
        pytest.param("²L * * * *", "minute", id="a digit that is none"),
        pytest.param("9" * 5000 + " * * * *", "five fields", id="a number longer than Python reads"),
    ],
)
def test_what_is_no_cron_line_is_refused_in_words(text: str, said: str) -> None:
    """The message names the field and what may stand there."""
    with pytest.raises(UsageError) as refused:
        CronLine.parse(text)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("Europe/Berlni", "did you mean Europe/Berlin?"),
        ("berlin", "did you mean Europe/Berlin?"),
        ("utc", "did you mean"),
        ("Europe", "time zone"),
        ("/etc/passwd", "time zone"),
        ("../../etc/passwd", "time zone"),
        ("", "time zone"),
        ("a\0b", "time zone"),
    ],
)
def test_an_unknown_zone_is_refused_with_the_nearest(zone: str, said: str) -> None:
    """No path and no folder is taken for a zone either."""
    with pytest.raises(UsageError) as refused:
        CronLine.parse("0 2 * * *", zone)
    assert said in str(refused.value)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="0123456789*/,-#LWmonfeb @", max_size=20) | st.text(max_size=20))
def test_no_text_brings_the_parser_down(text: str) -> None:
    """Whatever is typed is a cron line with words for it, or a UsageError."""
    try:
        line = CronLine.parse(text)
    except UsageError:
        return
    assert line.in_words()


def test_the_end_of_the_calendar_ends_the_slots() -> None:
    """Years that a datetime does not know raise nothing, in either direction."""
    line = CronLine.parse("0 0 1 1 *", "Europe/Berlin")
    assert len(list(line.after(datetime(9990, 1, 1, tzinfo=ZoneInfo("UTC"))))) <= 10
    assert len(list(line.before(datetime(10, 1, 1, tzinfo=UTC)))) <= 10
    assert [] == list(line.after(datetime.max.replace(tzinfo=UTC)))
    assert [] == list(line.before(datetime.min.replace(tzinfo=UTC)))


def test_a_line_says_itself_in_words() -> None:
    """`schedule next` shows them beside the times."""
    assert "At 02:00 every day" == CronLine.parse("0 2 * * *").in_words()
