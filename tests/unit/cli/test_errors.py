"""How commands end: messages, exit codes, JSON errors."""

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from scoring.cli.errors import MAX_LINES, error_text, run_command
from scoring.cli.main import cli
from scoring.core.errors import InputRefused, LedgerAway, NotFound, ScoringError, SettingsError


def ending(error: BaseException, *arguments: str) -> int:
    """Exit code of a command that raises `error`."""

    @click.command()
    @click.option("--json", is_flag=True)
    def fail(json: bool) -> None:
        raise error

    return run_command(fail, "scoring fail", arguments)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (NotFound("no job"), 3),
        (InputRefused("no columns"), 4),
        (SettingsError("wrong"), 2),
        (LedgerAway("away"), 6),
        (ScoringError("anything"), 1),
        (click.UsageError("what?"), 2),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (BrokenPipeError(), 0),
        (OSError(28, "No space left on device", "/out/x"), 1),
        (ZeroDivisionError("a fault of ours"), 1),
    ],
)
def test_every_error_has_its_exit_code_and_no_traceback(
    error: BaseException, expected: int, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever a command raises ends in the contract's exit code and in words."""
    assert expected == ending(error)
    assert "Traceback" not in capfd.readouterr().err


def test_an_error_has_three_parts(capsys: pytest.CaptureFixture[str]) -> None:
    """What was expected, what came, and what to do stand on lines of their own, on stderr alone."""
    ending(InputRefused("the model wants columns", expected="a, b", got="a", remedy="add column b"))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "error: the model wants columns",
        "expected: a, b",
        "got:      a",
        "do:       add column b",
    ]


def test_json_errors_stand_on_stdout_too(capsys: pytest.CaptureFixture[str]) -> None:
    """With --json a program finds the error as one JSON document on stdout."""
    assert ending(NotFound("no job x", remedy="scoring jobs"), "--json") == 3
    error = json.loads(capsys.readouterr().out)["error"]
    assert {"code": "not_found", "message": "no job x", "remedy": "scoring jobs"}.items() <= error.items()


def test_a_long_error_is_cut_in_its_middle() -> None:
    """At most twelve lines, and what to do is still the last one."""
    error = SettingsError("\n".join(f"problem {i}" for i in range(40)), expected="x", got="y", remedy="correct them")
    lines = error_text(error).splitlines()
    assert len(lines) == MAX_LINES
    assert lines[-1] == "do:       correct them"


def test_a_hostile_name_cannot_speak_to_the_terminal() -> None:
    """Escape sequences, bells and direction marks of a file name are escaped, and a new line cannot forge a message."""
    text = error_text(InputRefused("no such file: \x1b[2J\x07\u202eabc\nerror: forged", got="a\rb"))
    assert not set(text) & {"\x1b", "\x07", "\r", "\u202e"}
    assert [line for line in text.splitlines() if line.startswith("error:")] == [text.splitlines()[0]]


def test_a_password_is_masked(capsys: pytest.CaptureFixture[str]) -> None:
    """A URL in an error shows no password, on stderr and in JSON."""
    ending(LedgerAway("cannot reach postgresql://scoring:hunter2@db/x"), "--json")
    out, err = capsys.readouterr()
    assert "hunter2" not in out + err


def test_debug_shows_where(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """SCORING_DEBUG=1 adds the traceback."""
    monkeypatch.setenv("SCORING_DEBUG", "1")
    ending(ZeroDivisionError("a fault"))
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["jbos"], "did you mean scoring jobs?"),
        (["model", "lst"], "did you mean scoring model list?"),
        (["status"], "Missing argument 'JOB'"),
        (["jobs", "--limit", "many"], "'many' is not a valid integer range"),
        (["jobs", "--stat", "x"], "--state"),
    ],
)
def test_wrong_usage_is_said_in_the_same_form(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What click finds wrong exits 2 with the same parts, and guesses what was meant."""
    assert run_command(cli, "scoring", arguments) == 2
    err = capsys.readouterr().err
    assert expected in err
    assert err.startswith("error: ")
    assert "\ndo:  " in err


def test_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    """`scoring … | head` ends quietly, whatever is left to print."""
    program = (
        "import sys; from scoring.cli.errors import run_command; import click\n"
        "@click.command()\ndef pour():\n  for _ in range(200000): click.echo('row')\n"
        "sys.exit(run_command(pour, 'pour', []))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ, cwd=Path.cwd()
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 0
