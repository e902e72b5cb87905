"""One machine without a deployment: a job that `scoring run` works on, which may be killed."""

import json
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tests.acceptance.conftest import customers
from tests.acceptance.program import Program
from tests.faults.scene import rows_of, undisturbed
from tests.small_models import churn_model

ROWS = 6_000
CHUNK_ROWS = 1_000


@dataclass(frozen=True, kw_only=True)
class Home:
    program: Program

    @classmethod
    def make(cls, folder: Path) -> "Home":
        churn_model(folder / "churn.onnx")
        pq.write_table(customers(ROWS), folder / "rows.parquet")
        return cls(program=Program(folder))

    @property
    def out(self) -> Path:
        return self.program.folder / "out"

    def run(self, *options: object, **settings: str) -> subprocess.Popen[str]:
        """Start a run of the job; settings: of this process alone, such as SCORING_FAILPOINTS."""
        job = ("churn.onnx", "rows.parquet", "--key", "id", "-o", "out", "--chunk-rows", CHUNK_ROWS)
        return self.program.with_settings(**settings).start("run", *job, *options)

    def resume(self, *options: object, **settings: str) -> subprocess.Popen[str]:
        return self.program.with_settings(**settings).start("resume", "last", *options)

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.program.json("status", "last")
        return found

    def parts(self) -> int:
        """Part files that are public."""
        return len(list(self.out.glob("part-*.parquet")))

    def partial(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.out / "_partial.json").read_text())
        return found

    def prove(self) -> None:
        """The job has succeeded, with the rows of one that nobody disturbed."""
        assert "succeeded" == self.status()["state"]
        assert rows_of(self.out).equals(undisturbed(ROWS, CHUNK_ROWS))
        assert (self.out / "_SUCCESS").exists()
        assert not (self.out / "_staging").exists()


def died(process: "subprocess.Popen[str]", *, seconds: float = 60) -> bool:
    """Whether the process ended by SIGKILL; else it must have succeeded."""
    _, said = process.communicate(timeout=seconds)
    assert process.returncode in (0, -signal.SIGKILL), said
    return process.returncode != 0
