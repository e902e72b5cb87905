"""The jobs of a campaign: their kinds, what each must end like, and a user who keeps some of them running."""

import queue
import random
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from tests.acceptance.conftest import customers
from tests.acceptance.program import Program
from tests.faults.scene import rows_of
from tests.small_models import churn_model

LIVE = 3
"""Jobs that are kept running."""

DIRTY_EVERY = 97


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What is asked of a job."""

    source: str
    options: tuple[str, ...] = ()
    # How it ends, whatever befalls it, unless somebody cancels it.
    ends: str = "succeeded"
    # Failures that each of its steps may have: all that befalls it, or so few that somebody must retry it.
    attempts: int = 1000


KINDS = {
    "small": Kind(source="small.parquet"),
    "large": Kind(source="large.parquet"),
    "urgent": Kind(source="small.parquet", options=("--priority", "high")),
    "csv": Kind(source="rows.csv", options=("--priority", "low")),
    "labels": Kind(source="small.parquet", options=("--label", "churned")),
    "rejects": Kind(source="dirty.csv", options=("--max-rejected", "5%")),
    "overwrite": Kind(source="rows.csv", options=("--overwrite",)),
    "table": Kind(source="small.parquet", options=("--to-table", "scores")),
    "strict": Kind(source="dirty.csv", options=("--strict",), ends="failed"),
    "fragile": Kind(source="small.parquet", attempts=2),
}


@dataclass(kw_only=True)
class Job:
    """One of them."""

    kind: str
    # Its idempotency key and the name of its folder.
    key: str
    # Once the ledger has it, and has said so.
    job_id: str = ""
    cancelled: bool = False


def arguments(kind: Kind, out: str) -> list[str]:
    return ["churn.onnx", kind.source, "--key", "id", "-o", out, "--chunk-rows", "200", *kind.options]


def prepare(folder: Path) -> Mapping[str, pa.Table]:
    """Write model and inputs; by kind what an undisturbed run makes of them."""
    churn_model(folder / "churn.onnx")
    pq.write_table(customers(4_000), folder / "small.parquet")
    pq.write_table(customers(16_000), folder / "large.parquet")
    pc.write_csv(customers(8_000), folder / "rows.csv")
    lines = (folder / "rows.csv").read_text().splitlines()
    lines[DIRTY_EVERY::DIRTY_EVERY] = [f"{line},too long" for line in lines[DIRTY_EVERY::DIRTY_EVERY]]
    (folder / "dirty.csv").write_text("\n".join(lines) + "\n")
    quiet = Program(folder, {"SCORING_HOME": str(folder / "quiet")})
    expected = {}
    for name, kind in KINDS.items():
        if kind.ends == "succeeded":
            options = () if "--to-table" in kind.options else kind.options
            quiet("run", *arguments(Kind(source=kind.source, options=options), f"quiet-{name}"))
            expected[name] = rows_of(folder / f"quiet-{name}")
    return expected


class User(threading.Thread):
    """Submits, cancels and retries, while servers come and go."""

    def __init__(self, program: Program, database: str, seed: int) -> None:
        """database: its own way to the ledger, that nobody cuts."""
        super().__init__(daemon=True)
        self.jobs: list[Job] = []
        self.wishes: queue.SimpleQueue[tuple[str, float]] = queue.SimpleQueue()
        # What went wrong in a way that it must not.
        self.complaints: list[str] = []
        self._program = program
        self._database = database
        self._dice = random.Random(seed)
        self._enough = threading.Event()

    def run(self) -> None:
        while not self._enough.wait(0.2):
            with suppress(psycopg.Error):
                while not self.wishes.empty():
                    self._grant(*self.wishes.get())
                if len(self.states("accepted", "running", "finalizing")) < LIVE:
                    self._submit_one()
        with suppress(psycopg.Error):
            self._submit_one(new=False)

    def stop(self) -> None:
        self._enough.set()
        self.join()

    def states(self, *wanted: str) -> list[str]:
        """Ids of the jobs in these states."""
        with psycopg.connect(self._database) as connection:
            query = "SELECT job_id FROM job_progress WHERE state = ANY(%s) ORDER BY job_id"
            return [str(row[0]) for row in connection.execute(query, (list(wanted),)).fetchall()]

    def call(self, *command: str, allowed: tuple[int, ...] = (0, 6), **settings: str) -> str:
        """What the command prints; "" where a server was away. Another end is a complaint."""
        ended = self._program.with_settings(**settings).run(*command)
        if ended.returncode not in allowed or "Traceback" in ended.stderr:
            self.complaints.append(f"{' '.join(command)}: exit {ended.returncode}\n{ended.stdout}\n{ended.stderr}")
        return ended.stdout.strip() if ended.returncode == 0 else ""

    def _submit_one(self, *, new: bool = True) -> None:
        """Again, with its key, where the last one was not said to be accepted."""
        if new and (not self.jobs or self.jobs[-1].job_id):
            self.jobs.append(Job(kind=self._dice.choice(list(KINDS)), key=f"job-{len(self.jobs)}"))
        job = self.jobs[-1]
        if not job.job_id:
            kind = KINDS[job.kind]
            command = ["submit", *arguments(kind, job.key), "--idempotency-key", job.key]
            job.job_id = self.call(*command, SCORING_MAX_ATTEMPTS=str(kind.attempts))

    def _grant(self, wish: str, target: float) -> None:
        choices = self.states(*(("failed",) if wish == "retry" else ("accepted", "running")))
        if choices:
            job_id = choices[int(target * len(choices))]
            if wish == "cancel":
                self._of(job_id).cancelled = True
            # It may have moved on meanwhile.
            self.call(wish, job_id, allowed=(0, 2, 6))

    def _of(self, job_id: str) -> Job:
        return next((job for job in self.jobs if job.job_id == job_id), self.jobs[-1])
