"""What native code that crashes leaves behind, and a kill does not: a note, written by the dying process itself."""

import faulthandler
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def crash_note(path: Path) -> Iterator[bool]:
    """Leave a note at `path` should the process crash (SIGSEGV, SIGABRT, …) within the block.

    Gives whether the last process that had this path has left one. A program that has a fault handler of its own keeps
    it, and leaves no note.
    """
    crashed = path.is_file() and path.stat().st_size > 0
    if faulthandler.is_enabled():
        yield crashed
        return
    with path.open("w") as note:
        faulthandler.enable(note)
        try:
            yield crashed
        finally:
            faulthandler.disable()
            path.unlink(missing_ok=True)
