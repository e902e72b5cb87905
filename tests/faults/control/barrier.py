"""A place where processes wait until the test lets all of them go at once."""

from pathlib import Path

from tests.waiting import wait_for


class Barrier:
    """Armed by its failpoints: whoever comes to one of these places puts a marker there, and waits."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()

    def at(self, *places: str) -> dict[str, str]:
        """The setting that makes a process wait at these places, such as `commit.commit` or `score.read#3`."""
        return {"SCORING_FAILPOINTS": ";".join(f"{place}=hold:{self._folder}" for place in places)}

    def waiting(self) -> list[int]:
        """Processes that wait here now."""
        return [int(marker.name) for marker in self._folder.iterdir()]

    def wait_for(self, processes: int = 1) -> list[int]:
        """Until so many wait; returns them."""
        wait_for(lambda: len(self.waiting()) >= processes, f"{processes} processes at the barrier")
        return self.waiting()

    def let_go(self) -> None:
        for marker in self._folder.iterdir():
            marker.unlink()
