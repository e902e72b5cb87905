"""Children learn from the end of a pipe that the main process stops, or has died."""

import os
import signal
from threading import Event

import pytest

from workers.stoppipe import StopPipe

SECONDS = 20


@pytest.mark.parametrize("how", ["close", "kill"])
def test_a_child_sees_the_end_of_its_main_process(how: str) -> None:
    """Closed in order or killed: either way the stop event of the child is set, and a dead parent is told apart."""
    report_read, report_write = os.pipe()
    main = os.fork()
    if main == 0:
        _main_process(report_write, how)
    os.close(report_write)
    assert os.read(report_read, 1) == b"w"  # the child watches
    if how == "kill":
        os.kill(main, signal.SIGKILL)
    assert os.read(report_read, 1) == b"s"  # the child was told
    if how == "close":
        os.kill(main, signal.SIGKILL)
    os.waitpid(main, 0)
    assert os.read(report_read, 1) == b"o"  # the child knows that it is alone
    os.close(report_read)


def _main_process(report: int, how: str) -> None:
    pipe = StopPipe()
    if os.fork() == 0:
        orphaned = Event()
        pipe.watch(orphaned.set)
        os.write(report, b"w")
        os.write(report, b"s" if pipe.stop.wait(SECONDS) else b"-")
        os.write(report, b"o" if orphaned.wait(SECONDS) else b"-")
        os._exit(0)
    if how == "close":
        pipe.close()
        pipe.close()
    signal.pause()
    os._exit(1)
