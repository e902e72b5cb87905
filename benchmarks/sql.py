"""Seconds of `scoring sql`, as a whole process, over many batches of one model."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.process import SCORING, Usage, measured

LONGEST_SECONDS = 3.0

NEWEST = "select job_id, slot from job_progress order by slot desc limit 1"
ALL = {
    "average per slot": "select slot, avg(score) as mean from results_churn group by 1 order by 1",
    "join with progress and accuracy": (
        "select p.slot, p.state, a.value as accuracy, avg(r.score) as mean from results_churn r"
        " join job_progress p on p.job_id = r.job_id"
        " join batch_accuracy a on a.job_id = r.job_id and a.metric = 'accuracy' group by all order by 1"
    ),
}
ONE = {
    "one job": "select count(*) as rows, avg(score) as mean from results_churn where job_id = $job",
    "one slot": "select count(*) as rows, avg(score) as mean from results_churn where slot = $slot::timestamptz",
}


def compare(data: Path, jobs: int, rows: int, reps: int) -> bool:
    """Print a line for each query; True where those over all batches are answered in LONGEST_SECONDS."""
    folder = _batches(data, jobs, rows)
    _, [newest] = _ask(folder, NEWEST)
    print(f"{jobs} jobs of {rows:,} rows, best of {reps}\n{'':34}{'wall s':>8}{'CPU s':>8}{'peak MiB':>10}")
    took = [_line(folder, name, [query], rows=jobs, reps=reps) for name, query in ALL.items()]
    for name, query in ONE.items():
        word = "job" if "$job" in query else "slot"
        _line(folder, name, [query, "-p", f"{word}={newest['job_id' if word == 'job' else 'slot']}"], rows=1, reps=reps)
    return max(took) <= LONGEST_SECONDS


def _batches(data: Path, jobs: int, rows: int) -> Path:
    """A folder whose home holds the batches, made where it is not there yet by a process of its own."""
    folder = data / f"batches-{jobs}-{rows}"
    if not (folder / "made").exists():
        print(f"writing {jobs} batches of {rows:,} rows …", file=sys.stderr)
        folder.mkdir(parents=True, exist_ok=True)
        measured([sys.executable, "-m", "benchmarks.batches", str(folder / "home"), str(jobs), str(rows)], folder)
        (folder / "made").touch()
    return folder


def _line(folder: Path, name: str, arguments: Sequence[str], *, rows: int, reps: int) -> float:
    usages = []
    for _ in range(reps):
        usage, answer = _ask(folder, *arguments)
        if len(answer) != rows:
            raise ValueError(f"{name}: {len(answer)} rows instead of {rows}")
        usages.append(usage)
    best = min(usages, key=lambda usage: usage.wall_seconds)
    print(f"{name:34}{best.wall_seconds:>8.2f}{best.cpu_seconds:>8.2f}{best.peak_bytes / 2**20:>10.0f}", flush=True)
    return best.wall_seconds


def _ask(folder: Path, *arguments: str) -> tuple[Usage, list[dict[str, Any]]]:
    usage = measured([SCORING, "sql", *arguments, "--json"], folder)
    return usage, json.loads((folder / "said").read_text())
