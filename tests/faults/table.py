"""A plugin of pytest for `make faults`: writes what was injected and what came of it into docs/reliability.md.

A row is a test that has passed in this very run: what was not run, or failed, has none.
"""

import os
import platform
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- faults: written by `make faults` -->", "<!-- faults: end -->"
RECOVERY = "recovery_seconds"
_FAULT = "fault"

Row = tuple[str, str, str]
"""Number, injected, outcome: as the test's marker says them."""


@dataclass
class Ran:
    """The tests of one row."""

    passed: int = 0
    failed: int = 0
    # Seconds of each recovery that was measured.
    recoveries: list[float] = field(default_factory=list)


class Table:
    """Collects the reports of a run."""

    def __init__(self) -> None:
        self.rows: dict[Row, Ran] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.passed:
            return
        recoveries = [float(str(value)) for name, value in report.user_properties if name == RECOVERY]
        for name, value in report.user_properties:
            if name == _FAULT and not report.skipped:
                ran = self.rows.setdefault(_row(value), Ran())
                ran.passed += report.passed
                ran.failed += report.failed
                ran.recoveries += recoveries

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.rows:
            versions = [line for line in _headers(session.config) if not line.startswith("none")]
            PAGE.write_text(between(PAGE.read_text("utf-8"), rendered(self.rows, versions)), "utf-8")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Table(), "fault-table")


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    for item in items:
        # Nearest first; a test under two numbers has two rows.
        item.user_properties += [(_FAULT, list(marker.args)) for marker in item.iter_markers(_FAULT)]


def rendered(rows: dict[Row, Ran], versions: list[str]) -> str:
    """The lines between the marks."""
    proven = {row: ran for row, ran in rows.items() if not ran.failed}
    tests = sum(ran.passed for ran in proven.values())
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d}, {', '.join([_machine(), *versions])}: {tests} tests passed.",
        "",
        "| fault | injected | outcome | recovery |",
        "|---|---|---|---|",
        *(_line(row, ran) for row, ran in sorted(proven.items(), key=lambda pair: order(pair[0]))),
    ]
    failed = sorted({row[0] for row, ran in rows.items() if ran.failed}, key=lambda number: order((number, "", "")))
    return "\n".join([*lines, *(["", f"Failed in this run: {', '.join(failed)}."] if failed else [])])


def between(page: str, text: str) -> str:
    """The page with `text` between its two marks."""
    before, _, rest = page.partition(BEGIN)
    _, mark, after = rest.partition(END)
    assert mark, f"expected the marks {BEGIN} and {END} in {PAGE.name}"
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def order(row: Row) -> tuple[str, int, Row]:
    """F2 before F10."""
    return row[0][:1], int(re.sub(r"\D", "", row[0]) or 0), row


def _line(row: Row, ran: Ran) -> str:
    recovery = f"{max(ran.recoveries):.1f} s" if ran.recoveries else "–"
    return "| " + " | ".join([*(cell.replace("|", r"\|").replace("\n", " ") for cell in row), recovery]) + " |"


def _row(value: object) -> Row:
    number, injected, outcome = map(str, value)  # type: ignore[call-overload]
    return number, injected, outcome


def _headers(config: pytest.Config) -> list[str]:
    """Names and versions of the servers, as the header of every run has them, without where they lie."""
    found = config.hook.pytest_report_header(config=config, start_path=config.rootpath)
    lines = [line for answer in found for line in ([answer] if isinstance(answer, str) else answer)]
    servers = [line.partition(": ")[2] for line in lines if line.startswith(("Postgres: ", "Redis: "))]
    return [re.sub(r" \([^()]*\)$", "", server) for server in servers]


def _machine() -> str:
    return f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
