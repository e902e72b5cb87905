"""Whole processes, measured from outside."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SCORING = str(Path(sys.executable).with_name("scoring"))
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What one process took, start and end included."""

    wall_seconds: float
    # User and system time, of all threads and of the children it waited for.
    cpu_seconds: float
    # Largest resident memory; in bytes. Mapped files count.
    peak_bytes: int


class Failed(Exception):
    """A measured process ended with an error; its last lines are the message."""


def measured(command: Sequence[str], folder: Path) -> Usage:
    """Run the command in `folder`, with a fresh SCORING_HOME there and no other setting of scoring's. Raises Failed.

    Linux counts the starter's memory at the moment of the start into the child's peak: this process must stay small.
    """
    environment = {name: text for name, text in os.environ.items() if not name.startswith("SCORING_")}
    environment |= {"SCORING_HOME": str(folder / "home"), "PYTHONPATH": str(ROOT)}
    said = folder / "said"
    with said.open("wb") as lines:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=lines, stderr=lines
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise Failed(f"{' '.join(command)}: exit {process.returncode}\n{said.read_text(errors='replace')[-2_000:]}")
    return Usage(
        wall_seconds=seconds,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        # Kibibytes on Linux, bytes on macOS.
        peak_bytes=usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
    )


@contextmanager
def scratch(data: Path) -> Iterator[Path]:
    """A folder for one run, beside the data: on the same disk for all that are compared."""
    data.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=data) as folder:
        yield Path(folder)
