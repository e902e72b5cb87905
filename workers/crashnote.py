"""What native code that crashes leaves behind, and a kill does not: a note, written by the dying process itself."""

import faulthandler
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def has_crashed(path: Path) -> bool:
    """Whether the last process that had this path for its note has crashed."""
    return path.is_file() and path.stat().st_size > 0


@contextmanager
def crash_note(path: Path) -> Iterator[None]:
    """Leave a note at `path` should the process crash (SIGSEGV, SIGABRT, …) within the block.

    The note of a former process is kept beside it, as `….last`: enter once its crash is on record. A program that has a
    fault handler of its own keeps it, and leaves no note.
    """
    if has_crashed(path):
        path.replace(last_note(path))
    if faulthandler.is_enabled():
        yield
        return
    with path.open("w") as note:
        faulthandler.enable(note)
        try:
            yield
        finally:
            faulthandler.disable()
            path.unlink(missing_ok=True)


def last_note(path: Path) -> Path:
    """Where the former note is kept, for people to read."""
    return path.with_name(f"{path.name}.last")
