"""S28: what comes from outside is shown in a log or on a terminal, never obeyed."""

import json
from pathlib import Path

import pytest

from scoring import telemetry
from scoring.cli.errors import error_text
from scoring.cli.output import json_text, one_line
from scoring.core.errors import InputRefused
from scoring.settings import LogFormat
from tests.acceptance.program import Program

NAMES = {
    "escape": "a\x1b[2Jb.csv",
    "eight-bit escape": "a\x9b31mb.csv",
    "line feed": "a\n2026-01-01T00:00:00.000Z ERROR forged.csv",
    "carriage return": "a\rforged.csv",
    "bell and backspace": "a\x07\x08b.csv",
    "right to left": "a\u202egnp.csv",
    "isolate": "a\u2066b\u2069.csv",
    "line separator": "a\u2028b\u2029c.csv",
    "next line": "a\x85b.csv",
    "no character": "a\udcffb.csv",
}


@pytest.fixture(params=list(NAMES.values()), ids=list(NAMES))
def name(request: pytest.FixtureRequest) -> str:
    """The name of a file, as a stranger may choose it."""
    return str(request.param)


def is_harmless(text: str) -> bool:
    """One line that a terminal prints as it stands."""
    return text.isprintable() and "\ufffd" not in text


@pytest.mark.parametrize("form", LogFormat)
def test_a_log_line_stays_one_line(
    name: str, form: LogFormat, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In text and in JSON: no line is forged, no terminal obeys, and nothing else is lost."""
    monkeypatch.setattr(telemetry._Log, "format", form)
    telemetry.announce("step.broken", step="s", error=f"cannot read {name}", file=name)
    line = capsys.readouterr().err
    assert line.endswith("\n")
    assert is_harmless(line.removesuffix("\n")), ascii(line)
    if form is LogFormat.JSON:
        assert {"event": "step.broken", "level": "ERROR"}.items() <= json.loads(line).items()


def test_an_error_and_a_cell_are_printed_without_what_a_terminal_obeys(name: str) -> None:
    """A line break in a message is shown as an indented line of it, never as a line of its own kind."""
    assert is_harmless(one_line(name))
    lines = error_text(InputRefused(f"cannot read {name}", expected="a file", got=name, remedy="rename it")).split("\n")
    assert all(map(is_harmless, lines)), ascii(lines)
    assert not any(line.startswith(("2026", "forged")) for line in lines)


def test_a_document_is_one_line_and_means_the_same(name: str) -> None:
    """JSON for programs is looked at by people too: what a terminal would obey is escaped, not lost."""
    text = json_text({"file": name, "letters": "žluť 漢字"})
    assert is_harmless(text)
    assert {"file": name, "letters": "žluť 漢字"} == json.loads(text)
    assert "žluť 漢字" in text


def test_a_command_over_such_a_file_forges_no_line(tmp_path: Path) -> None:
    """`run` over a file with an escape sequence and a line break in its name: messages and JSON stay harmless."""
    source = tmp_path / NAMES["line feed"].replace("forged", "\x1b]0;owned\x07")
    source.write_text("a\n1\n")
    refused = Program(tmp_path)("run", "gone.onnx", source, code=4)
    missing = Program(tmp_path)("run", "gone.onnx", "--json", source.with_suffix(".gone\u202e.csv"), code=4)
    for line in (refused.stderr + missing.stderr + missing.stdout).splitlines():
        assert is_harmless(line), ascii(line)
        assert not line.startswith("2026")
