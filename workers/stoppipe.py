"""How the main process of a worker tells its children to hand back what they hold."""

import os
import threading
import time
from collections.abc import Callable

LOOK_SECONDS = 0.2


class StopPipe:
    """A pipe that nobody writes to: its end of file means that the main process is stopping, or has died.

    Made before the fork, watched in each child. An Event of multiprocessing would not do: one child that is killed
    while it waits leaves its lock held for ever.
    """

    def __init__(self) -> None:
        # Of the process that it is in: set in a child once the main process has closed its end.
        self.stop = threading.Event()
        self._read, self._write = os.pipe()
        self._main = os.getpid()

    def close(self) -> None:
        """In the main process: tell all children. May be called from a signal handler, and again."""
        self.stop.set()
        write, self._write = self._write, -1
        if write >= 0:
            os.close(write)

    def watch(self, orphaned: Callable[[], None] = lambda: None) -> None:
        """In a child, after the fork. `orphaned` is called, in a thread, once the main process is no more."""
        if self._write >= 0:
            os.close(self._write)
            self._write = -1
        threading.Thread(target=self._wait, args=(orphaned,), name="stop pipe", daemon=True).start()

    def _wait(self, orphaned: Callable[[], None]) -> None:
        os.read(self._read, 1)
        self.stop.set()
        # A main process that stops in order sees its children out.
        while os.getppid() == self._main:
            time.sleep(LOOK_SECONDS)
        orphaned()
