"""Seconds from the start of the program to its end, where there is next to nothing to do."""

import statistics
from collections.abc import Sequence
from pathlib import Path

from benchmarks.inputs import KEY, files
from benchmarks.process import SCORING, Usage, measured, scratch

ROWS = 10


def compare(data: Path, reps: int) -> None:
    """Print a line for `scoring --help`, and one for a job of ten rows, its ledger made anew."""
    found = files(data, "linear", ROWS)
    commands = {
        "scoring --help": [SCORING, "--help"],
        f"scoring run, {ROWS} rows": [SCORING, "run", str(found.model), str(found.csv), "--key", KEY, "-o", "out"],
    }
    print(f"medians of {reps}\n{'':22}{'wall s':>8}{'CPU s':>8}{'peak MiB':>10}")
    for name, command in commands.items():
        usages = [_usage(data, command) for _ in range(reps)]
        wall = statistics.median(usage.wall_seconds for usage in usages)
        cpu = statistics.median(usage.cpu_seconds for usage in usages)
        peak = statistics.median(usage.peak_bytes for usage in usages) / 2**20
        print(f"{name:22}{wall:>8.2f}{cpu:>8.2f}{peak:>10.0f}", flush=True)


def _usage(data: Path, command: Sequence[str]) -> Usage:
    with scratch(data) as folder:
        return measured(command, folder)
