"""Where the files of a workload lie. Imports nothing large: see `benchmarks.process.measured`."""

import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.process import measured, scratch

KEY = "id"


@dataclass(frozen=True, kw_only=True)
class Files:
    """What lies in the data folder for one workload of so many rows."""

    model: Path
    csv: Path
    parquet: Path

    @classmethod
    def of(cls, folder: Path, workload: str, rows: int) -> "Files":
        stem = f"{workload}-{rows}"
        return cls(model=folder / f"{workload}.onnx", csv=folder / f"{stem}.csv", parquet=folder / f"{stem}.parquet")

    @property
    def complete(self) -> bool:
        return self.model.exists() and self.csv.exists() and self.parquet.exists()


def files(data: Path, workload: str, rows: int) -> Files:
    """The workload's files, generated where they are not there yet, by a process of its own."""
    found = Files.of(data, workload, rows)
    if not found.complete:
        print(f"generating {workload}, {rows} rows …", file=sys.stderr)
        with scratch(data) as folder:
            measured([sys.executable, "-m", "benchmarks.workloads", str(data), workload, str(rows)], folder)
    return found
