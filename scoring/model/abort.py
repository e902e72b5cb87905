"""Stopping a run of the model from outside."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import onnxruntime as ort

POLL_SECONDS = 0.1


class Abort(Protocol):
    """Tells when work must stop, and why."""

    def is_set(self) -> bool:
        """True once the work must stop. A question, and no sign of work."""
        ...

    def check(self) -> None:
        """Say that the work goes on; raise the reason to stop, if there is one."""
        ...


class _Never:
    def is_set(self) -> bool:
        return False

    def check(self) -> None:
        return None


NEVER: Abort = _Never()
"""For a command that waits for its own work."""


@contextmanager
def abortable(abort: Abort) -> Iterator[ort.RunOptions]:
    """Options for session.run that end it between two nodes within a tenth of a second after `abort` is set."""
    options = ort.RunOptions()
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(abort, done, options), name="abort", daemon=True)
    watcher.start()
    try:
        yield options
    finally:
        done.set()
        watcher.join()


def _watch(abort: Abort, done: threading.Event, options: ort.RunOptions) -> None:
    while not done.wait(POLL_SECONDS):
        if abort.is_set():
            options.terminate = True
            return
