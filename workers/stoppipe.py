"""How the main process of a worker tells its children to hand back what they hold."""

import os
import threading


class StopPipe:
    """A pipe that nobody writes to: its end of file means that the main process is stopping, or has died.

    Made before the fork, watched in each child. An Event of multiprocessing would not do: one child that is killed
    while it waits leaves its lock held for ever.
    """

    def __init__(self) -> None:
        # Of the process that it is in: set in a child once the main process has closed its end.
        self.stop = threading.Event()
        self._read, self._write = os.pipe()

    def close(self) -> None:
        """In the main process: tell all children. May be called from a signal handler, and again."""
        self.stop.set()
        write, self._write = self._write, -1
        if write >= 0:
            os.close(write)

    def watch(self) -> None:
        """In a child, after the fork."""
        if self._write >= 0:
            os.close(self._write)
            self._write = -1
        threading.Thread(target=self._wait, name="stop pipe", daemon=True).start()

    def _wait(self) -> None:
        os.read(self._read, 1)
        self.stop.set()
