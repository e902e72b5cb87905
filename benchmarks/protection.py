"""What survival costs: `scoring run` with all protection beside one without leases, flushes, digests and checksums."""

import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.inputs import KEY, files
from benchmarks.process import SCORING, Usage, measured, scratch

ALLOWED = 0.05
"""Of the wall time without protection."""

HEAD = f"{'':18}{'bare s':>8}{'protected s':>13}{'cost':>8}{'bare CPU s':>12}{'protected CPU s':>17}{'cost':>8}"


def compare(data: Path, rows: int, reps: int, workloads: Sequence[str], formats: Sequence[str]) -> bool:
    """Print one line for each workload and format; False where one costs more than is allowed."""
    print(f"{rows} rows, medians of {reps}\n{HEAD}")
    fine = True
    for workload in workloads:
        for form in formats:
            pairs = [_pair(data, workload, form, rows, swap=bool(rep % 2)) for rep in range(reps)]
            fine &= _line(f"{workload}, {form}", pairs)
    return fine


def _pair(data: Path, workload: str, form: str, rows: int, *, swap: bool) -> tuple[Usage, Usage]:
    """(bare, protected), in turn: what disturbs the machine for a while disturbs both."""
    found = files(data, workload, rows)
    programs = {"bare": [sys.executable, "-m", "benchmarks.unprotected"], "protected": [SCORING]}
    usages: dict[str, Usage] = {}
    for name in sorted(programs, reverse=swap):
        with scratch(data) as folder:
            source = str(found.csv if form == "csv" else found.parquet)
            command = [*programs[name], "run", str(found.model), source, "--key", KEY, "-o", "out"]
            usages[name] = measured(command, folder)
    return usages["bare"], usages["protected"]


def _line(name: str, pairs: Sequence[tuple[Usage, Usage]]) -> bool:
    bare, protected = (statistics.median(pair[side].wall_seconds for pair in pairs) for side in (0, 1))
    bare_cpu, cpu = (statistics.median(pair[side].cpu_seconds for pair in pairs) for side in (0, 1))
    cost = protected / bare - 1
    print(
        f"{name:18}{bare:>8.2f}{protected:>13.2f}{cost:>8.1%}{bare_cpu:>12.2f}{cpu:>17.2f}{cpu / bare_cpu - 1:>8.1%}"
        + ("" if cost <= ALLOWED else f"  more than {ALLOWED:.0%}"),
        flush=True,
    )
    return cost <= ALLOWED
