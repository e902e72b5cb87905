"""What is printed: JSON values, tables, times."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pyarrow as pa
import pytest

from scoring.cli.durations import point_in_time
from scoring.cli.output import cell, plain, print_json_rows, print_table
from scoring.core.durations import seconds
from scoring.core.errors import UsageError
from scoring.core.states import JobState

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (float("nan"), None),
        (float("inf"), None),
        (0.1, 0.1),
        (Decimal(12), 12),
        (Decimal("1.5"), 1.5),
        (NOW, "2026-01-31T12:00:00Z"),
        (NOW.astimezone(timezone(timedelta(hours=2))), "2026-01-31T12:00:00Z"),
        (datetime(2026, 1, 31, 12), "2026-01-31T12:00:00"),  # noqa: DTZ001  # a user's own time has no zone
        (date(2026, 1, 31), "2026-01-31"),
        (b"\x00\xff", "00ff"),
        (JobState.FAILED, "failed"),
        ({"a": [float("nan")]}, {"a": [None]}),
    ],
)
def test_json_takes_every_value(value: object, expected: object) -> None:
    """Every value that the ledger or a result holds has one form in JSON; times end in Z, no NaN gets out."""
    assert expected == plain(value)
    json.dumps(plain(value), allow_nan=False)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("two\nlines", "two\\nlines"),
        (None, ""),
        (0.123456789, "0.123457"),
        ({"a": 1.0}, "a=1"),
        (["x", "y"], "x, y"),
    ],
)
def test_a_cell_is_one_line_that_no_terminal_obeys(value: object, expected: str) -> None:
    """Cells of a table hold no control character."""
    assert expected == cell(value)


def test_a_table_aligns_numbers_to_the_right(capsys: pytest.CaptureFixture[str]) -> None:
    """Names to the left, numbers to the right, a line below the header."""
    print_table([{"name": "a", "n": 5}, {"name": "bcd", "n": 1234}], ["name", "n"])
    assert capsys.readouterr().out.splitlines() == ["name     n", "────  ────", "a        5", "bcd   1234"]


def test_a_header_is_one_line_that_no_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    """Columns are called what a user's file or statement calls them."""
    print_table([{"\x1b[31mred\n": 5}], ["\x1b[31mred\n"])
    assert ["\\x1b[31mred\\n", "─" * 13, "5".rjust(13)] == capsys.readouterr().out.splitlines()


def test_an_empty_table_is_said_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing on stdout, a word on stderr."""
    print_table([], ["name"], empty="no job")
    assert capsys.readouterr() == ("", "no job\n")


@pytest.mark.parametrize("batches", [[], [[1, 2], [3]]])
def test_rows_stream_as_one_json_array(batches: list[list[int]], capsys: pytest.CaptureFixture[str]) -> None:
    """However the rows come, stdout holds one JSON array."""
    print_json_rows(pa.RecordBatch.from_pydict({"n": rows}) for rows in batches)
    assert json.loads(capsys.readouterr().out) == [{"n": n} for rows in batches for n in rows]


@pytest.mark.parametrize(
    ("text", "expected"), [(None, None), ("90", 90), ("90s", 90), ("1.5m", 90), ("2h", 7200), ("1d", 86_400)]
)
def test_durations_are_read(text: str | None, expected: float | None) -> None:
    """A number with s, m, h or d; seconds where nothing is said."""
    assert expected == seconds("--timeout", text)


@pytest.mark.parametrize("text", ["", "soon", "-5s", "5 weeks"])
def test_a_wrong_duration_is_refused(text: str) -> None:
    """Anything else is a usage error that names the option."""
    with pytest.raises(UsageError, match="--timeout"):
        seconds("--timeout", text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2h", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-30", datetime(2026, 1, 30, tzinfo=UTC)),
        ("2026-01-30T06:00+02:00", datetime(2026, 1, 30, 4, tzinfo=UTC)),
    ],
)
def test_since_is_a_length_or_a_time(text: str, expected: datetime) -> None:
    """--since counts back from now, or names a time, in UTC unless it says otherwise."""
    assert expected == point_in_time("--since", text, now=NOW)
