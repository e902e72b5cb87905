"""`python -m benchmarks [throughput | memory | startup | rejects | sql | protection | bookkeeping]`.

Without a word the first three, at modest sizes.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import bookkeeping, ledger_size, memory, protection, rejects, sql, startup, throughput
from benchmarks.process import Failed

WORKLOADS = ("trees", "linear")
FORMATS = ("csv", "parquet")


def main() -> int:
    given = _arguments().parse_args()
    with _data_folder(given.data) as data:
        try:
            return int(not _measure(given, data))
        except Failed as error:
            print(error, file=sys.stderr)
            return 1


def _measure(given: argparse.Namespace, data: Path) -> bool:
    """False where memory is not flat, SQL takes too long, clean rows pay too much for the dirty ones, or for safety."""
    if given.what == "sql":
        return sql.compare(data, given.jobs, given.rows, given.reps)
    if given.what == "bookkeeping":
        return ledger_size.compare(100 * given.chunks) & bookkeeping.compare(data, given.chunks)
    if given.what == "protection":
        return protection.compare(
            data, given.rows, given.reps, given.workload or WORKLOADS, given.format or ["parquet"]
        )
    if given.what == "rejects":
        return rejects.compare(data, given.rows, given.reps, given.workload or WORKLOADS, given.format or FORMATS)
    flat = True
    if given.what in (None, "startup"):
        startup.compare(data, given.reps)
    if given.what in (None, "memory"):
        for name in given.workload or ["linear"]:
            flat &= memory.compare(data, given.rows, given.reps, name)
    # Last: looking at results makes this process large.
    if given.what in (None, "throughput"):
        throughput.compare(data, given.rows, given.reps, given.workload or WORKLOADS, given.format or FORMATS)
    return flat


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "what", nargs="?", choices=["throughput", "memory", "startup", "rejects", "sql", "protection", "bookkeeping"]
    )
    parser.add_argument(
        "--rows", type=int, default=500_000, help="of the input, or of each batch; memory also takes four times as many"
    )
    parser.add_argument("--jobs", type=int, default=100, help="batches that sql asks")
    parser.add_argument(
        "--chunks", type=int, default=10_000, help="of bookkeeping, and a hundredth of its large ledger"
    )
    parser.add_argument("--reps", type=int, default=3, help="runs of each; the median counts")
    parser.add_argument("--workload", action="append", choices=WORKLOADS, help="repeatable")
    parser.add_argument("--format", action="append", choices=FORMATS, help="repeatable")
    parser.add_argument("--data", type=Path, help="folder that keeps the workloads; default: a temporary one")
    return parser


@contextmanager
def _data_folder(given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="scoring-benchmarks-") as folder:
        yield Path(folder)


if __name__ == "__main__":
    sys.exit(main())
