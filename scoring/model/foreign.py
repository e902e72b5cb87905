"""Running code that is not ours, such as a prepare function: what it raises in words, what it prints on stderr."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def is_users(error: BaseException) -> bool:
    """Whether it may be the user's Ctrl-C: Python raises that in the main thread alone, by its own handler."""
    return (
        isinstance(error, KeyboardInterrupt)
        and threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )


def told(error: BaseException, *, words: bool = True) -> str:
    """The type of a foreign error, and what it says for itself: 300 characters. words=False: the type alone."""
    try:
        said = str(error) if words else ""
    except BaseException as fault:
        if is_users(fault):
            raise
        said = ""
    name = type(error).__name__
    return f"{name}: {said}"[:300] if said else name


@contextmanager
def printing_to_stderr() -> Iterator[None]:
    """What the calling thread prints meanwhile goes to stderr, for stdout belongs to the command's own answer.

    Other threads print where they did. Any number of threads may be within.
    """
    caller = threading.get_ident()
    with _lock:
        if not _callers:
            _Stdout.own, sys.stdout = sys.stdout, _Stdout()
        _callers.append(caller)
    try:
        yield
    finally:
        with _lock:
            _callers.remove(caller)
            if not _callers:
                # Not only where ours still stands: two functions that redirect it at once leave one's buffer behind.
                sys.stdout = _Stdout.own


class _Stdout:
    """sys.stdout while foreign code runs; a logger that this has set up may keep it for good."""

    # What stood there before.
    own: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stderr if threading.get_ident() in _callers else self.own, name)


_lock = threading.Lock()
_callers: list[int] = []
"""Threads that are within, once for each time."""
