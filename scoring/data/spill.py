"""A private folder for what does not fit into memory; gone afterwards, also after a process that was killed."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scoring.data.storage import storage_faults

_PREFIX = "spill-"


@contextmanager
def spill_folder(home: Path) -> Iterator[Path]:
    """A folder under `home` that only this user can read. home: on a disk of this host. Raises StorageFault."""
    _clear_dead(home)
    with storage_faults(home):
        folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=home))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _clear_dead(home: Path) -> None:
    for folder in home.glob(f"{_PREFIX}*-*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdecimal() and not _lives(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
