"""The table of commands."""

import pytest

from scoring.cli.errors import run_command
from scoring.cli.lazy import Entry
from scoring.cli.main import SECTIONS, cli
from scoring.core.errors import ErrorCode
from scoring.core.exits import exit_code
from scoring.core.states import JobState

ENTRIES = [entry for entries in SECTIONS.values() for entry in entries]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_the_table_says_what_the_command_says(entry: Entry) -> None:
    """Each entry loads a command of its name with the same sentence of help."""
    command = entry.load()
    assert (entry.name, entry.help) == (command.name, command.short_help)


@pytest.mark.parametrize("arguments", [[], ["--help"], ["model"], ["db"], ["run", "--help"]])
def test_help_is_an_answer(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Asking for help, or calling a group without a command, prints help on stdout and exits 0."""
    assert run_command(cli, "scoring", arguments) == 0
    assert capsys.readouterr().out.startswith("Usage: scoring")


@pytest.mark.parametrize(
    ("state", "code", "expected"),
    [
        (JobState.SUCCEEDED, None, 0),
        (JobState.SUCCEEDED, ErrorCode.GATE_MISSED, 5),
        (JobState.CANCELLED, ErrorCode.CANCELLED, 8),
        (JobState.FAILED, ErrorCode.CHUNKS_FAILED, 1),
        (JobState.FAILED, ErrorCode.TOO_MANY_REJECTS, 1),
        (JobState.FAILED, ErrorCode.ACCOUNTING_BROKEN, 1),
        (JobState.FAILED, ErrorCode.INPUT_REFUSED, 4),
        (JobState.FAILED, ErrorCode.INPUT_CHANGED, 4),
        (JobState.FAILED, ErrorCode.INPUT_MISSING, 4),
        (JobState.FAILED, ErrorCode.MODEL_REFUSED, 4),
        (JobState.FAILED, None, 1),
    ],
)
def test_the_exit_code_is_the_verdict(state: JobState, code: ErrorCode | None, expected: int) -> None:
    """CONTRACT: error codes."""
    assert expected == exit_code(state, code)


@pytest.mark.parametrize("state", [JobState.ACCEPTED, JobState.RUNNING, JobState.FINALIZING])
def test_a_live_job_has_no_exit_code(state: JobState) -> None:
    """A verdict is never guessed."""
    with pytest.raises(ValueError, match="no verdict"):
        exit_code(state, None)
