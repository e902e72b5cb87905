"""A moment in the life of one process, held for as long as a test wants."""

import os
import signal
from pathlib import Path

from tests.waiting import wait_for


class Hold:
    """`with scene.running("worker", **hold.settings)`: the first process that comes to the point waits there."""

    def __init__(self, folder: Path, *points: str) -> None:
        """points: such as `score.read#3`; the first of them that is reached."""
        self._folder = folder / "held"
        self._folder.mkdir()
        action = f"hold:{self._folder}!{folder / 'once'}"
        self.settings = {"SCORING_FAILPOINTS": ";".join(f"{point}={action}" for point in points)}

    def pid(self) -> int:
        """Of the process that waits, as soon as one does."""
        wait_for(lambda: list(self._folder.iterdir()), "a process at the point")
        return int(next(self._folder.iterdir()).name)

    def stop(self) -> int:
        """Freeze the process at the point; once it is woken, it goes on from there. Returns its pid."""
        pid = self.pid()
        os.kill(pid, signal.SIGSTOP)
        self.let_go()
        return pid

    def let_go(self) -> None:
        for marker in self._folder.iterdir():
            marker.unlink()
