"""Dates and times read as Python's calendar has them."""

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.core.conversions import DatePart, Moment, TimeUnit
from scoring.core.date_formats import pattern_of
from scoring.data.moments import moments_of, numbers_of

PARTS = {
    DatePart.YEAR: lambda moment: moment.year,
    DatePart.QUARTER: lambda moment: (moment.month + 2) // 3,
    DatePart.MONTH: lambda moment: moment.month,
    DatePart.WEEK: lambda moment: moment.isocalendar().week,
    DatePart.DAY: lambda moment: moment.day,
    DatePart.DAY_OF_WEEK: lambda moment: moment.weekday(),
    DatePart.DAY_OF_YEAR: lambda moment: moment.timetuple().tm_yday,
    DatePart.HOUR: lambda moment: moment.hour,
    DatePart.MINUTE: lambda moment: moment.minute,
    DatePart.SECOND: lambda moment: moment.second,
}

WRITTEN = {
    None: lambda moment: moment.isoformat(),
    "%d.%m.%Y %H:%M:%S.%f": lambda moment: f"{moment:%d.%m.}{moment.year:04d}{moment: %H:%M:%S.%f}",
    "%b %d, %Y %I:%M:%S %p": lambda moment: f"{moment:%b %d, }{moment.year:04d}{moment: %I:%M:%S %p}",
    "%Y%j%H%M%S": lambda moment: f"{moment.year:04d}{moment:%j%H%M%S}",
}


@settings(max_examples=25, derandomize=True, deadline=None)
@given(st.lists(st.datetimes(), min_size=1, max_size=40), st.sampled_from(list(WRITTEN)))
def test_every_part_of_every_moment_is_that_of_the_calendar(moments, form):
    """From year 1 to 9999, in each format, each part is what Python's own calendar says."""
    found = moments_of(pa.array([WRITTEN[form](moment) for moment in moments]), form)
    assert not found.bad.any()
    for part, of in PARTS.items():
        assert [of(moment) for moment in moments] == numbers_of(found, Moment(part=part)).tolist(), part


@settings(max_examples=25, derandomize=True, deadline=None)
@given(st.datetimes(), st.datetimes(), st.sampled_from(TimeUnit))
def test_time_that_has_passed_is_exact_to_the_last_bit(moment, since, unit):
    """Whole units and the rest are each exact, and added once."""
    found = numbers_of(moments_of(pa.array([moment.isoformat()]), None), Moment(unit=unit, since=since.isoformat()))
    whole, rest = divmod(moment - since, timedelta(seconds=unit.seconds))
    assert whole + rest / timedelta(seconds=unit.seconds) == found[0]


@settings(max_examples=25, derandomize=True, deadline=None)
@given(st.datetimes(), st.sampled_from(["s", "ms", "us"]))
def test_a_timestamp_of_any_unit_says_what_its_text_says(moment, unit):
    """Parquet's timestamps and ISO 8601 text are the same moments, before 1970 as well."""
    stamps = pa.array([moment]).cast(pa.timestamp(unit), safe=False)
    text = moments_of(pa.array([stamps[0].as_py().isoformat()]), None)
    found = moments_of(stamps, None)
    assert (text.days[0], text.nanoseconds[0]) == (found.days[0], found.nanoseconds[0])


ISO = [
    ("2024-02-29", "2024-02-29T00:00:00", "a leap day"),
    ("2024-03-01 10:30", "2024-03-01T10:30:00", "a blank between, no seconds"),
    ("2024-03-01t10:30:05,25z", "2024-03-01T10:30:05.250000+00:00", "small letters, a comma"),
    ("2024-03-01T00:30+01:00", "2024-02-29T23:30:00+00:00", "a zone, brought to UTC"),
    ("2024-03-01T00:30-0130", "2024-03-01T02:00:00+00:00", "a zone without a colon"),
    ("2024-03-01T00:30+02", "2024-02-29T22:30:00+00:00", "a zone of hours"),
    ("2023-02-29", None, "no leap year"),
    ("1900-02-29", None, "no leap year"),
    ("2024-04-31", None, "no such day"),
    ("2024-13-01", None, "no such month"),
    ("2024-00-10", None, "no such month"),
    ("0000-01-01", None, "no such year"),
    ("2024-3-1", None, "not two digits"),
    ("20240301", None, "might be a number"),
    ("2024-03-01T24:00", None, "no such hour"),
    ("2024-03-01T10:60", None, "no such minute"),
    ("2024-03-01T10:00:60", None, "a leap second has no place in UTC's days"),
    ("2024-03-01T10:00+24:00", None, "no such zone"),
    ("2024-03-01\n", None, "a line end"),
    ("٢٠٢٤-03-01", None, "other digits"),
]


@pytest.mark.parametrize(("text", "expected", "_reason"), ISO)
def test_text_is_iso_8601_or_no_moment(text, expected, _reason):
    """A date, or a date with a time, and with a zone if there is one; nothing is guessed."""
    found = moments_of(pa.array([text]), None)
    assert (expected is None) == found.bad[0]
    if expected is not None:
        moment = datetime.fromisoformat(expected)
        assert (moment.tzinfo is not None) == found.zoned[0]
        gone = moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
        assert (gone.days, (gone - timedelta(gone.days)) / timedelta(microseconds=1) * 1_000) == (
            found.days[0],
            found.nanoseconds[0],
        )


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        ("%d.%m.%y", "1.2.68", "2068-02-01"),
        ("%d.%m.%y", "1.2.69", "1969-02-01"),
        ("%B %Y", "MARCH 2024", "2024-03-01"),
        ("%a %d %b %Y", "Fri 01 Mar 2024", "2024-03-01"),
        ("100%% %Y", "100% 2024", "2024-01-01"),
        ("%Y.%m", "2024-03", None),
        ("%j/%Y", "366/2023", None),
        ("%Y %I %p", "2024 13 pm", None),
    ],
)
def test_a_format_is_taken_by_the_letter(form, text, expected):
    """Codes mean what strptime says, and all else stands for itself."""
    found = moments_of(pa.array([text]), form)
    assert (expected is None) == found.bad[0]
    if expected is not None:
        assert (date.fromisoformat(expected) - date(1970, 1, 1)).days == found.days[0]


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ("day", "no code"),
        ("%d.%m.", "no year"),
        ("%Y-%Q", "%Q is none of"),
        ("%Y %", "% is none of"),
        ("%Y %y", "%Y and %y say the same thing twice"),
        ("%Y %Y", "twice"),
        ("%d %H:%M", "without its year"),
        ("%Y %I", "%I and %p go together"),
    ],
)
def test_a_format_that_names_no_moment_is_refused(form, words):
    """What is wrong with a format is said before any cell is read."""
    with pytest.raises(ValueError, match=words):
        pattern_of(form)


def test_a_time_of_day_has_hours_and_no_month():
    """A time of day feeds the parts that it has."""
    found = moments_of(pa.array([3_661_000], pa.time32("ms")), None)
    assert [1] == numbers_of(found, Moment(part=DatePart.HOUR)).tolist()
    assert [1] == numbers_of(found, Moment(part=DatePart.SECOND)).tolist()
