"""A folder that tests find as it was kept: what costs a second to prepare is prepared once, and put back each time."""

import shutil
from pathlib import Path


class Place:
    """It stays where it is, for a ledger holds whole paths; times of files are kept too."""

    def __init__(self, parent: Path) -> None:
        self.folder = parent / "place"
        self.folder.mkdir()
        self._kept = parent / "kept"

    def keep(self) -> None:
        """What lies in the folder now is what each test shall find."""
        shutil.copytree(self.folder, self._kept)

    def put_back(self) -> Path:
        """The folder as it was kept."""
        shutil.rmtree(self.folder)
        shutil.copytree(self._kept, self.folder)
        return self.folder
