"""Rows per second of `scoring run` beside the limit, as whole processes in turn."""

import math
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.inputs import KEY, files
from benchmarks.process import SCORING, Failed, Usage, measured, scratch

HEAD = (
    f"{'':16}{'rows/s':>22}{'':8}{'CPU s':>16}{'':8}{'peak MiB':>14}\n"
    f"{'':16}{'limit':>11}{'scoring':>11}{'ratio':>8}{'limit':>8}{'scoring':>8}{'ratio':>8}{'limit':>7}{'scoring':>9}"
)


@dataclass(frozen=True, kw_only=True)
class Result:
    """What must be the same of both programs."""

    rows: int
    row_sum: int
    score_sum: float


def compare(data: Path, rows: int, reps: int, workloads: Sequence[str], formats: Sequence[str]) -> None:
    """Print one line for each workload and format."""
    print(f"{rows} rows, medians of {reps}\n{HEAD}")
    for workload in workloads:
        for form in formats:
            pairs = [_pair(data, workload, form, rows, swap=bool(rep % 2)) for rep in range(reps)]
            print(_line(f"{workload}, {form}", rows, pairs), flush=True)


def _pair(data: Path, workload: str, form: str, rows: int, *, swap: bool) -> tuple[Usage, Usage]:
    """(limit, scoring), in turn: what disturbs the machine for a while disturbs both."""
    found = files(data, workload, rows)
    source = str(found.csv if form == "csv" else found.parquet)
    model = str(found.model)
    commands = {
        "limit": [sys.executable, "-m", "benchmarks.limit", workload, model, source, "out"],
        "scoring": [SCORING, "run", model, source, "--key", KEY, "-o", "out"],
    }
    usages: dict[str, Usage] = {}
    results: dict[str, Result] = {}
    for name in sorted(commands, reverse=swap):
        with scratch(data) as folder:
            usages[name] = measured(commands[name], folder)
            results[name] = _result(folder / "out")
    _check(results["limit"], results["scoring"], rows)
    return usages["limit"], usages["scoring"]


def _result(output: Path) -> Result:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    rows, row_sum, score_sum = 0, 0, 0.0
    for part in output.glob("part-*.parquet"):
        with pq.ParquetFile(part) as file:
            for batch in file.iter_batches(columns=["_row", "probabilities_1"]):
                rows += batch.num_rows
                row_sum += pc.sum(batch.column("_row")).as_py()
                score_sum += pc.sum(batch.column("probabilities_1")).as_py()
    return Result(rows=rows, row_sum=row_sum, score_sum=score_sum)


def _check(limit: Result, scoring: Result, rows: int) -> None:
    same = limit.rows == scoring.rows == rows and limit.row_sum == scoring.row_sum == rows * (rows - 1) // 2
    # The micro-batch may move a score's last bit.
    if not same or not math.isclose(limit.score_sum, scoring.score_sum, rel_tol=1e-6):
        raise Failed(f"the results differ: {limit} and {scoring}")


def _line(name: str, rows: int, pairs: Sequence[tuple[Usage, Usage]]) -> str:
    rates = [statistics.median(rows / pair[i].wall_seconds for pair in pairs) for i in range(2)]
    cpu = [statistics.median(pair[i].cpu_seconds for pair in pairs) for i in range(2)]
    peak = [statistics.median(pair[i].peak_bytes for pair in pairs) / 2**20 for i in range(2)]
    return (
        f"{name:16}{rates[0]:>11,.0f}{rates[1]:>11,.0f}{rates[1] / rates[0]:>8.2f}"
        f"{cpu[0]:>8.2f}{cpu[1]:>8.2f}{cpu[1] / cpu[0]:>8.2f}{peak[0]:>7.0f}{peak[1]:>9.0f}"
    )
