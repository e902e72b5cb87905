"""A series of numbers as a line of blocks."""

import io
import sys

import pytest

from scoring.cli.chart import chart


@pytest.mark.parametrize(("encoding", "bars"), [("utf-8", "▁▄ █"), ("ascii", "_: #")])
def test_low_and_high_are_seen(encoding: str, bars: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the lowest block to the highest, a gap where there is no value, in characters that the terminal has."""
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    assert [f"auc  {bars}  lowest 0.5  highest 0.9  last 0.9"] == chart({"auc": [0.5, 0.7, None, 0.9]}, 80)


def test_a_series_that_does_not_move_lies_in_the_middle() -> None:
    """And one without a value has no line."""
    [line] = chart({"f1": [1.0, 1.0], "nothing": [None, None]}, 80)
    assert line.startswith("f1       ▄▄  ")


def test_the_newest_values_are_kept_where_not_all_fit() -> None:
    """No line is wider than the terminal."""
    [line] = chart({"f1": [0.0] * 500 + [1.0]}, 80)
    assert len(line) <= 80
    assert "▁█  lowest 0  highest 1  last 1" in line
