"""A job of one process, of which files are damaged, moved and taken away."""

import os
import signal
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.acceptance.conftest import customers
from tests.acceptance.program import Program
from tests.faults.files.disks import Disks
from tests.faults.scene import rows_of
from tests.small_models import churn_model

CHUNK_ROWS = 500
SETTINGS = {"SCORING_LEASE_SECONDS": "2"}


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The folder of one test, with `churn.onnx`, `rows.csv` and `rows.parquet`; results go to `out`."""

    program: Program
    # Asks what came of it.
    asking: Program
    # Where the test sees the folder: elsewhere, if its processes have disks of their own.
    folder: Path

    @classmethod
    def in_folder(cls, folder: Path) -> "Batch":
        program = Program(folder, SETTINGS)
        return cls(program=program, asking=program, folder=folder)

    def on(self, disks: Disks, **settings: str) -> "Batch":
        """The same for processes that see these disks."""
        folder = self.program.folder
        program = disks.program(folder, **self.program.settings | settings)
        return Batch(program=program, asking=program, folder=disks.seen(folder))

    def after(self, *command: str) -> "Batch":
        """The same, run by this command."""
        return replace(self, program=Program(self.program.folder, self.program.settings, before=command))

    def armed(self, failpoints: str) -> "Batch":
        return replace(self, program=self.program.with_settings(SCORING_FAILPOINTS=failpoints))

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def submit(self, source: str = "rows.csv", *options: str) -> str:
        """Record the job; nothing works on it before `resume`. Its id."""
        return self.program("submit", *arguments(source, *options)).stdout.strip()

    def run(self, source: str = "rows.csv", *options: str, code: int = 0) -> str:
        """What `scoring run` said for a person."""
        return self.program("run", *arguments(source, *options), code=code).stderr

    def resume(self, *, code: int = 0) -> str:
        return self.program("resume", "last", code=code).stderr

    def retry(self, *, code: int = 0) -> str:
        return self.program("retry", "last", "--wait", code=code).stderr

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.asking.json("status", "last")
        return found

    def failures(self) -> list[dict[str, Any]]:
        """Failed attempts, oldest first."""
        found: list[dict[str, Any]] = self.asking.json("failures", "last")["attempts"]
        return found

    def chunks(self) -> list[tuple[Any, ...]]:
        """Number and rows of each, as the ledger has them."""
        found = self.asking.json("sql", "SELECT chunk, rows FROM chunk_progress ORDER BY chunk")
        return [(row["chunk"], row["rows"]) for row in found]

    def killed(self, failpoints: str, *options: str) -> None:
        """A `scoring run` that dies there."""
        self.armed(failpoints).run(*options, code=-signal.SIGKILL)

    def work_files(self) -> list[Path]:
        """Chunk files of the job."""
        return sorted(self.folder.rglob("work/*/*.parquet"))

    def prove(self, rows: int = 4_000) -> None:
        """The job has succeeded, and its result is that of an undisturbed run."""
        assert "succeeded" == self.status()["state"]
        assert rows_of(self.out).equals(undisturbed(rows))
        assert not (self.out / "_staging").exists()
        assert [] == [path.name for path in self.out.iterdir() if path.name.startswith(".")]
        self.asking("audit", "last")


def arguments(source: str, *options: str) -> list[str]:
    return ["churn.onnx", source, "--key", "id", "-o", "out", "--chunk-rows", str(CHUNK_ROWS), *options]


@cache
def undisturbed(rows: int) -> pa.Table:
    """What the same rows give where nothing goes wrong."""
    folder = Path(mkdtemp(prefix="undisturbed-"))
    churn_model(folder / "churn.onnx")
    pq.write_table(customers(rows), folder / "rows.parquet")
    Program(folder)("run", *arguments("rows.parquet"))
    return rows_of(folder / "out")


def flip(path: Path) -> None:
    """One bit in the middle of the file; its times are those of before, as where a disk goes bad."""
    found = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
