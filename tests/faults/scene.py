"""A deployment under fire: a job with known rows, processes that may be told to fail, and the proof at its end."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import psycopg
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from tests.acceptance.conftest import customers
from tests.acceptance.program import Program
from tests.servers import Servers
from tests.servers.postgres import plain
from tests.small_models import churn_model
from tests.waiting import wait_for

ROWS = 20_000
CHUNK_ROWS = 1_000


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One deployment on servers of its own."""

    program: Program
    servers: Servers

    @property
    def folder(self) -> Path:
        return self.program.folder

    @property
    def lease_seconds(self) -> float:
        return float(self.program.settings["SCORING_LEASE_SECONDS"])

    def submit(self, *options: object, rows: int = ROWS, chunk_rows: int = CHUNK_ROWS, out: str = "out") -> "Work":
        """Record a job over `rows` customers; its parts go to the folder `out`."""
        model, source = self.folder / "churn.onnx", self.folder / f"rows-{rows}.parquet"
        if not source.exists():
            churn_model(model)
            pq.write_table(customers(rows), source)
        said = self.program("submit", model, source, "--key", "id", "-o", out, "--chunk-rows", chunk_rows, *options)
        return Work(
            scene=self,
            job_id=said.stdout.strip(),
            rows=rows,
            chunk_rows=chunk_rows,
            out=self.folder / out,
            shape=shaping(options),
        )

    @contextmanager
    def running(self, *command: object, **settings: str) -> Iterator[subprocess.Popen[str]]:
        """A process of the deployment in a group of its own, its log in a file; killed with its group at the end.

        settings: of this process alone, such as SCORING_FAILPOINTS.
        """
        with self.log(*command).open("a") as log:
            process = self.program.with_settings(**settings).start(*command, stderr=log, start_new_session=True)
            try:
                yield process
            finally:
                kill_group(process)

    def log(self, *command: object) -> Path:
        """What the processes of this command line have said so far."""
        return self.folder / f"{'-'.join(map(str, command))}.log"

    def sql(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """Ask the ledger's database directly, whatever the program thinks of it."""
        with psycopg.connect(plain(self.program.settings["SCORING_DATABASE_URL"]), autocommit=True) as connection:
            answer = connection.execute(query.encode(), values)
            return list(answer.fetchall()) if answer.description else []


@dataclass(frozen=True, kw_only=True)
class Work:
    """One job of the scene."""

    scene: Scene
    job_id: str
    rows: int
    chunk_rows: int
    out: Path
    # Options that decide what the result looks like.
    shape: tuple[str, ...] = ()

    def done(self) -> int:
        """Part files that are public."""
        return len(list(self.out.glob("part-*.parquet")))

    def wait_for_parts(self, parts: int, *, seconds: float = 60) -> None:
        wait_for(lambda: self.done() >= parts, f"{parts} parts of {self.job_id}", seconds=seconds)

    def recovery(self, *, seconds: float = 60) -> float:
        """Seconds from now to the next new part."""
        before, begun = self.done(), time.monotonic()
        wait_for(lambda: self.done() > before, "work after the fault", seconds=seconds)
        return time.monotonic() - begun

    def wait(self, *, code: int = 0, seconds: int = 90) -> None:
        """Until the job is settled; `code` is the verdict's exit code."""
        self.scene.program("wait", self.job_id, "--timeout", f"{seconds}s", code=code)

    def failures(self) -> list[dict[str, object]]:
        """Failed attempts, oldest first."""
        found: list[dict[str, object]] = self.scene.program.json("failures", self.job_id)["attempts"]
        return found

    def prove(self, *, state: str = "succeeded") -> None:
        """The oracle: what was promised holds for the settled job, by its files and its rows."""
        from tests.faults.oracle import prove

        prove(self, state=state)


def kill_group(process: "subprocess.Popen[str]") -> None:
    """Kill a process that was started in a group of its own, with its children."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.communicate()


_SHAPING = {"--label": 2, "--keep": 2, "--limit": 2, "--keep-all": 1}
"""Options that decide what a result looks like, and how many words each takes."""


def shaping(options: Sequence[object]) -> tuple[str, ...]:
    """Those of the options that the undisturbed job needs too."""
    words = [str(option) for option in options]
    return tuple(part for at, word in enumerate(words) for part in words[at : at + _SHAPING.get(word, 0)])


def undisturbed(rows: int, chunk_rows: int, shape: tuple[str, ...] = ()) -> pa.Table:
    """The result of the same job where nothing went wrong."""
    return _undisturbed(rows, chunk_rows, shape)[0]


def undisturbed_digest(rows: int, chunk_rows: int, shape: tuple[str, ...] = ()) -> str:
    """The digest of its content."""
    return _undisturbed(rows, chunk_rows, shape)[1]


@cache
def _undisturbed(rows: int, chunk_rows: int, shape: tuple[str, ...]) -> tuple[pa.Table, str]:
    """Scored once for all tests of a process."""
    folder = Path(mkdtemp(prefix="undisturbed-"))
    program = Program(folder)
    pq.write_table(customers(rows), folder / "rows.parquet")
    model = churn_model(folder / "churn.onnx")
    program("run", model, "rows.parquet", "--key", "id", "-o", "out", "--chunk-rows", chunk_rows, *shape)
    return rows_of(folder / "out"), program.json("audit", "last")["digest"]


def rows_of(out: Path) -> pa.Table:
    """All that a glob of the part files shows, in their order."""
    return ds.dataset(sorted(out.glob("part-*.parquet"))).to_table()
