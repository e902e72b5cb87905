"""Ctrl-C and SIGTERM as an event that a waiting command looks at."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """Whether this process was asked to end, by a signal or by the caller's own event."""

    def __init__(self, asked: threading.Event | None = None) -> None:
        self._asked = asked
        self._signal: int | None = None

    @property
    def by_term(self) -> bool:
        return self._signal == signal.SIGTERM

    def is_set(self) -> bool:
        return self._signal is not None or (self._asked is not None and self._asked.is_set())

    def take(self, number: int, _frame: FrameType | None) -> None:
        """A signal handler. Sets no lock: a handler may run inside any other call."""
        self._signal = number


@contextmanager
def interrupts(asked: threading.Event | None = None) -> Iterator[Interrupt]:
    """Take both signals over in the main thread; a program that calls us from another one keeps its handlers.

    A second signal does what it did before: whoever presses Ctrl-C twice does not want to wait. Once the block has
    ended, a signal has set `asked` too: one that came when there was nothing left to interrupt is still the caller's.
    """
    interrupt = Interrupt(asked)
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def take(number: int, frame: FrameType | None) -> None:
        interrupt.take(number, frame)
        restore()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)

    for number in SIGNALS:
        signal.signal(number, take)
    try:
        yield interrupt
    finally:
        restore()
        if asked is not None and interrupt.is_set():
            asked.set()
