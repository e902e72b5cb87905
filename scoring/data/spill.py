"""Private folders for what does not fit into memory. None outlives its process for long, however that one ends."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = "spill"


@contextmanager
def spill_folder(home: Path) -> Iterator[Path]:
    """A folder of our own below `home`, for the owner alone and removed at the end, with those of killed processes."""
    parent = home / FOLDER
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder, held = _make(parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def _make(parent: Path) -> tuple[Path, int]:
    # One at a time: between its making and its lock a folder looks abandoned.
    gate = os.open(parent, os.O_RDONLY)
    try:
        fcntl.flock(gate, fcntl.LOCK_EX)
        for folder in parent.iterdir():
            _remove_abandoned(folder)
        folder = Path(tempfile.mkdtemp(dir=parent))
        held = os.open(folder, os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_EX)
        return folder, held
    finally:
        os.close(gate)


def _remove_abandoned(folder: Path) -> None:
    """A process holds the lock of its folder until it ends."""
    try:
        lock = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    else:
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)
