"""Standard input, kept as a file: a job must be able to read its input twice."""

import shutil
from pathlib import Path
from typing import BinaryIO

from scoring.data.storage import storage_faults


def spool(stream: BinaryIO, path: Path) -> str:
    """Copy the stream to `path`; returns it. Raises StorageFault."""
    with storage_faults(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            shutil.copyfileobj(stream, file, 4 * 2**20)
    return str(path)
