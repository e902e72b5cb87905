"""Does memory stay flat? The peak of `scoring run` on a CSV file, and on one that is four times as long."""

import statistics
from pathlib import Path

from benchmarks.inputs import KEY, files
from benchmarks.process import SCORING, measured, scratch

TIMES = 4
LARGEST_RATIO = 1.10


def compare(data: Path, rows: int, reps: int, workload: str) -> bool:
    """Print both peaks and their ratio; True where memory is flat."""
    peaks = [[_peak(data, workload, count) for count in (rows, TIMES * rows)] for _ in range(reps)]
    short, long = (statistics.median(rep[i] for rep in peaks) for i in range(2))
    print(f"{workload}, csv: {rows} rows {short / 2**20:.0f} MiB, {TIMES * rows} rows {long / 2**20:.0f} MiB")
    print(f"ratio {long / short:.2f}, at most {LARGEST_RATIO:.2f}")
    return long / short <= LARGEST_RATIO


def _peak(data: Path, workload: str, rows: int) -> int:
    found = files(data, workload, rows)
    with scratch(data) as folder:
        command = [SCORING, "run", str(found.model), str(found.csv), "--key", KEY, "-o", "out"]
        return measured(command, folder).peak_bytes
