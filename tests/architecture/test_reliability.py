"""The table of faults cannot lie: every fault of the catalogue has a test or a reason, every row a test."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.faults.table import BEGIN, END, Ran, between, rendered

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text("utf-8")
CATALOGUE = [f"F{number}" for number in range(1, 72)]


@cache
def marked() -> set[str]:
    """Numbers of faults that tests bear."""
    tests = (path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py"))
    return {number for text in tests for number in re.findall(r'\bmark\.fault\(\s*"([A-Z]\d+)', text)}


def listed(text: str) -> list[str]:
    """Numbers that begin a line of a table; `F1, F2` counts as both."""
    cells = re.findall(r"^\| ((?:[A-Z]\d+[a-z]?(?:, )?)+) \|", text, re.MULTILINE)
    return [number for cell in cells for number in re.findall(r"[A-Z]\d+", cell)]


@pytest.mark.parametrize("fault", CATALOGUE)
def test_every_fault_is_injected_or_explained(fault: str) -> None:
    """A test bears its number, or the page says why one machine cannot show it."""
    assert fault in marked() | set(listed(PAGE.partition("## Not run")[2]))


def test_every_row_of_the_table_has_its_test() -> None:
    """A fault whose test is gone leaves the table too."""
    rows = listed(PAGE.partition(BEGIN)[2].partition(END)[0])
    assert set() == set(rows) - marked()


def test_only_what_passed_is_in_the_table() -> None:
    """By number; the longest recovery; what failed in one of its tests has no row, and is named."""
    text = rendered(
        {
            ("F10", "a | b", "whole"): Ran(passed=2, recoveries=[1.0, 2.26]),
            ("F2", "kill", "whole"): Ran(passed=1),
            ("F3", "cut", "whole"): Ran(passed=1, failed=1),
        },
        ["Redis 7"],
    )
    lines = text.splitlines()
    assert lines[0].endswith("Redis 7: 3 tests passed.")
    assert ["| F2 | kill | whole | – |", r"| F10 | a \| b | whole | 2.3 s |"] == lines[4:6]
    assert "Failed in this run: F3." == lines[-1]


def test_the_rest_of_the_page_is_kept() -> None:
    """Only what stands between the marks is written anew."""
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert f"before\n{BEGIN}\nnew\n{END}\nafter\n" == between(page, "new")
