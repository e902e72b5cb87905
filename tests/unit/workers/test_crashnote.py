"""A crash of native code is told from a kill."""

import faulthandler
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from workers.crashnote import crash_note, has_crashed, last_note

DIE = """
import os, pathlib, sys
from workers.crashnote import crash_note
with crash_note(pathlib.Path(sys.argv[1])):
    os.kill(os.getpid(), int(sys.argv[2]))
"""


def note_of(folder: Path, number: int = signal.SIGSEGV) -> Path:
    """Where a process that was ended by this signal was to leave its note; without pytest's own fault handler."""
    note = folder / "job.crash"
    died = subprocess.run([sys.executable, "-c", DIE, note, str(number)], capture_output=True, check=False)
    assert -number == died.returncode
    return note


@pytest.mark.parametrize(
    ("number", "crashed"), [(signal.SIGSEGV, True), (signal.SIGABRT, True), (signal.SIGKILL, False)]
)
def test_a_crash_leaves_a_note_and_a_kill_leaves_none(tmp_path: Path, number: int, crashed: bool) -> None:
    """It may be asked for as often as one likes: the next process may die before it has made use of it."""
    note = note_of(tmp_path, number)
    assert [crashed, crashed] == [has_crashed(note), has_crashed(note)]


def test_a_note_is_used_once_and_kept_for_people_to_read(tmp_path: Path) -> None:
    """Whatever fault handler the next program has: here it is pytest's."""
    note = note_of(tmp_path)
    said = note.read_text()
    assert "Segmentation fault" in said
    with crash_note(note):
        assert not has_crashed(note)
    assert said == last_note(note).read_text()


def test_a_process_that_ends_well_leaves_no_note(tmp_path: Path) -> None:
    """Not even an empty one."""
    subprocess.run([sys.executable, "-c", DIE, tmp_path / "job.crash", "0"], check=True)
    assert [] == list(tmp_path.iterdir())


def test_a_fault_handler_of_the_program_stays(tmp_path: Path) -> None:
    """pytest has one: nothing is written, nothing is taken from it."""
    with crash_note(tmp_path / "job.crash"):
        assert faulthandler.is_enabled()
    assert faulthandler.is_enabled()
    assert [] == list(tmp_path.iterdir())
