"""Death at any moment: the n-th call of the database or of the file system is the last thing that a process does."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from scoring.ledger.database import Ledger

FILES = frozenset({"open", "os.listdir", "os.scandir", "os.mkdir", "os.rename", "os.remove", "os.chmod", "os.link"})


class Killed(BaseException):
    """No program handles it: what it leaves behind is what a killed process leaves behind."""


class _Fate:
    """Calls that are left to the process that is running now; None: it lives on."""

    calls_left: int | None = None


def _touch() -> None:
    if _Fate.calls_left is not None:
        _Fate.calls_left -= 1
        if _Fate.calls_left < 0:
            _Fate.calls_left = None
            raise Killed


def _audit(name: str, _arguments: tuple[object, ...]) -> None:
    if _Fate.calls_left is not None and name in FILES:
        _touch()


sys.addaudithook(_audit)


def make_mortal(ledger: Ledger) -> None:
    """Each statement and each commit through this ledger counts as a call."""

    def before(*_: Any) -> None:
        _touch()

    for engine in {ledger._writer, ledger._reader}:
        event.listen(engine, "commit", before)
        event.listen(engine, "before_cursor_execute", before)


@contextmanager
def dying_after(calls: int | None) -> Iterator[None]:
    """The block is cut off after so many calls; None: it is not."""
    _Fate.calls_left = calls
    try:
        yield
    finally:
        _Fate.calls_left = None
