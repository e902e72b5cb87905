"""One line per event, one sentence per event, no secrets."""

import ast
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from scoring import telemetry
from scoring.core.outcome import Verdict
from scoring.settings import LogFormat

PACKAGES = ("scoring", "workers")
ROOT = Path(telemetry.__file__).parents[1]


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    handlers, level = logging.root.handlers[:], logging.root.level
    before = telemetry._Log.format, telemetry._Log.level
    yield
    telemetry._Log.format, telemetry._Log.level = before
    logging.root.handlers[:], logging.root.level = handlers, level


def test_a_line_tells_the_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """What the sentence names stands in it; other facts follow; stdout stays clean."""
    telemetry.configure(LogFormat.TEXT)
    telemetry.announce("step.claimed", step="ab/score/3", attempt=2, host="h1")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("INFO    ab/score/3: attempt 2 begun host=h1\n")


def test_json_lines_carry_the_facts(capsys: pytest.CaptureFixture[str]) -> None:
    """Each line is one JSON object, also for values that JSON has no word for."""
    telemetry.configure(LogFormat.JSON)
    telemetry.announce("step.claimed", step="ab/score/3", attempt=2, ratio=float("nan"), code=None)
    line = json.loads(capsys.readouterr().err, parse_constant=pytest.fail)
    assert {"event": "step.claimed", "level": "INFO", "attempt": 2, "ratio": "nan"}.items() <= line.items()
    assert "code" not in line


def test_commands_that_say_nothing_only_warn(capsys: pytest.CaptureFixture[str]) -> None:
    """A person's command is not a log."""
    telemetry.announce("step.claimed", step="x", attempt=1)
    telemetry.announce("ledger.away", error="gone")
    assert capsys.readouterr().err.count("\n") == 1


def test_a_record_is_one_line_and_no_terminal_obeys_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Line breaks and escape sequences of data are shown, not done."""
    telemetry.announce("ledger.away", error="a\nb\x1b[31mc\ud800")
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert r"a\nb\x1b[31mc" in err


def test_lines_of_libraries_take_our_form(capsys: pytest.CaptureFixture[str]) -> None:
    """Celery's warnings are lines like ours, masked as ours; its chatter is left out."""
    telemetry.configure(LogFormat.JSON)
    logging.getLogger("celery.worker").info("chatter")
    logging.getLogger("celery.worker").warning("lost %s", "redis://:hidden@h/0")
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["text"]) == ("library", "lost redis://:***@h/0")


def test_every_event_has_a_sentence() -> None:
    """No place announces what this file cannot say."""
    announced = {event for package in PACKAGES for path in (ROOT / package).rglob("*.py") for event in _events(path)}
    announced |= {f"step.{verdict}" for verdict in Verdict}
    assert announced <= set(telemetry.EVENTS)


def _events(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(func=ast.Name(id="announce"), args=[ast.Constant(value=str(event)), *_]):
                yield event
