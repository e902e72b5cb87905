"""Templates: the slot in a text, on the clock of the schedule's zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.core.errors import UsageError
from scoring.core.schedules.templates import check, expand

BERLIN = ZoneInfo("Europe/Berlin")
LATE = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)
"""00:30 in Berlin on 29 March 2026, an hour and a half before its clocks are set forward."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("in/{slot:%Y-%m-%d}.csv", "in/2026-03-29.csv", id="the zone's day, not UTC's"),
        pytest.param("{slot}", "20260329T003000", id="no format"),
        pytest.param("{slot-1d:%Y-%m-%d}", "2026-03-28", id="the day before"),
        pytest.param("{slot+1d:%d %H:%M}", "30 00:30", id="a day is a step on the calendar, of 23 hours here"),
        pytest.param("{slot+24h:%d %H:%M}", "30 01:30", id="hours are real time"),
        pytest.param("{slot+90m:%H:%M}", "03:00", id="minutes are real time"),
        pytest.param("{slot-2w:%Y%m%d}", "20260315", id="weeks"),
        pytest.param("{slot:%G-W%V-%u day %j of %y}", "2026-W13-7 day 088 of 26", id="ISO week and day of the year"),
        pytest.param("{slot:%s %z %%}", "1774740600 +0100 %", id="instant, offset, per cent"),
        pytest.param("{slot:%Y/%m}", "2026/03", id="folders"),
        pytest.param("{name}-{slot:%d}", "churn-29", id="the name"),
        pytest.param("{{name}} {{{name}}}", "{name} {churn}", id="literal braces"),
        pytest.param("no template", "no template", id="nothing to do"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_a_template_is_written_for_the_slot(text: str, expected: str) -> None:
    """Digits and the name go in; everything else stays."""
    assert expected == expand(text, name="churn", slot=LATE, zone=BERLIN)


@pytest.mark.parametrize(
    ("zone", "first", "offsets"),
    [
        ("Europe/Berlin", datetime(2026, 10, 25, 0, 15, tzinfo=UTC), ("+0200", "+0100")),
        ("America/New_York", datetime(2026, 11, 1, 5, 15, tzinfo=UTC), ("-0400", "-0500")),
    ],
    ids=["Berlin", "New York"],
)
def test_the_passes_through_a_doubled_hour_differ_in_offset_and_instant(
    zone: str, first: datetime, offsets: tuple[str, str]
) -> None:
    """The same clock twice, and two folders: %z and %s tell the slots apart, with a step of no days, too."""
    slots = (first, first + timedelta(hours=1))
    for text in ("{slot:%H%M|%z|%s}", "{slot+0d:%H%M|%z|%s}", "{slot-0h:%H%M|%z|%s}"):
        written = [expand(text, name="n", slot=slot, zone=ZoneInfo(zone)).split("|") for slot in slots]
        expected = [[offset, f"{slot.timestamp():.0f}"] for offset, slot in zip(offsets, slots, strict=True)]
        assert expected == [facts[1:] for facts in written]
        assert written[0][0] == written[1][0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("{slto:%Y}", "did you mean {slot}?", id="a slip"),
        pytest.param("{nam}", "did you mean {name}?", id="a slip in name"),
        pytest.param("{date}", "{slot:%Y-%m-%d}", id="another word"),
        pytest.param("{slot:%B}", "'%B'", id="a name that follows the language"),
        pytest.param("{slot:%-d}", "'%-'", id="an extension of one platform"),
        pytest.param("{slot:%Y%}", "'%'", id="a lone per cent sign"),
        pytest.param("{slot-1y:%Y}", "units m, h, d, w", id="a unit that is none"),
        pytest.param("{slot.year}", "{slot.year}", id="no attributes"),
        pytest.param("{slot!r}", "{slot!r}", id="no conversions"),
        pytest.param("a{", "a lone '{'", id="an open brace"),
        pytest.param("a}", "a lone '}'", id="a closed brace"),
        pytest.param("{}", "{}", id="nothing in it"),
        pytest.param("{slot:}", "{slot:}", id="an empty format"),
    ],
)
def test_a_piece_that_is_unknown_is_named(text: str, said: str) -> None:
    """The message shows the piece and what is known."""
    with pytest.raises(UsageError) as refused:
        check(text)
    assert said in str(refused.value)


def test_a_step_off_the_calendar_is_refused() -> None:
    """99999 weeks lead out of what a datetime knows."""
    with pytest.raises(UsageError, match="smaller step"):
        expand("{slot-99999w}", name="n", slot=datetime(1000, 1, 1, tzinfo=UTC), zone=UTC)


@given(st.text(alphabet="{}slotname:%Ymd+-1hw/", max_size=25) | st.text(max_size=25))
def test_what_check_passes_expand_writes(text: str) -> None:
    """A definition that was accepted cannot fail on its template at night."""
    try:
        check(text)
    except UsageError:
        return
    expand(text, name="n", slot=LATE, zone=BERLIN)
