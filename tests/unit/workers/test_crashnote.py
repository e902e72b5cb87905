"""A crash of native code is told from a kill."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from workers.crashnote import crash_note

DIE = """
import os, pathlib, sys
from workers.crashnote import crash_note
with crash_note(pathlib.Path(sys.argv[1])):
    os.kill(os.getpid(), int(sys.argv[2]))
"""


LOOK = """
import pathlib, sys
from workers.crashnote import crash_note
with crash_note(pathlib.Path(sys.argv[1])) as crashed:
    print(crashed)
"""


def left(note: Path) -> bool:
    """Asked in a process without pytest's own fault handler."""
    asked = subprocess.run([sys.executable, "-c", LOOK, note], capture_output=True, text=True, check=True)
    return asked.stdout == "True\n"


@pytest.mark.parametrize(
    ("number", "crashed"), [(signal.SIGSEGV, True), (signal.SIGABRT, True), (signal.SIGKILL, False)]
)
def test_a_crash_leaves_a_note_and_a_kill_leaves_none(tmp_path: Path, number: int, crashed: bool) -> None:
    """The next process sees it once."""
    note = tmp_path / "job.crash"
    died = subprocess.run([sys.executable, "-c", DIE, note, str(number)], capture_output=True, check=False)
    assert -number == died.returncode
    assert crashed is left(note)
    assert not note.exists()


def test_a_fault_handler_of_the_program_stays(tmp_path: Path) -> None:
    """pytest has one: nothing is written, nothing is taken from it."""
    with crash_note(tmp_path / "job.crash") as crashed:
        assert not crashed
    assert [] == list(tmp_path.iterdir())
