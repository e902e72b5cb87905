"""A signal becomes an event; a second one does what it did before."""

import os
import signal
import threading

import pytest

from workers.interrupt import interrupts


@pytest.mark.parametrize(("number", "by_term"), [(signal.SIGINT, False), (signal.SIGTERM, True)])
def test_a_signal_sets_the_interrupt_and_gives_the_handlers_back(number: signal.Signals, by_term: bool) -> None:
    """Whoever presses Ctrl-C twice does not want to wait."""
    before = signal.getsignal(number)
    with interrupts() as interrupt:
        assert not interrupt.is_set()
        os.kill(os.getpid(), number)
        assert (interrupt.is_set(), interrupt.by_term) == (True, by_term)
        assert signal.getsignal(number) is before


def test_a_signal_that_nobody_waited_for_is_passed_on() -> None:
    """It came when the work was done: whoever goes on to other work must know that it is to end."""
    asked = threading.Event()
    with interrupts(asked):
        os.kill(os.getpid(), signal.SIGTERM)
    assert asked.is_set()


def test_without_a_signal_the_handlers_come_back() -> None:
    """A program that calls us keeps its own."""
    before = signal.getsignal(signal.SIGINT)
    with interrupts():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_outside_the_main_thread_the_callers_event_serves() -> None:
    """Only the main thread may set handlers; a program has its own way to stop us."""
    asked = threading.Event()
    seen: list[bool] = []

    def run() -> None:
        with interrupts(asked) as interrupt:
            seen.append(interrupt.is_set())
            asked.set()
            seen.append(interrupt.is_set())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [False, True]
