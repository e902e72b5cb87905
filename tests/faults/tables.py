"""A job that writes into a Postgres table, processes that die on it, and what must be true in the end."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from scoring.ledger import schema_version
from tests.acceptance.conftest import customers
from tests.acceptance.program import Program
from tests.servers.postgres import plain
from tests.small_models import churn_model

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class TableJob:
    """A job in a ledger of its own, that may be killed as often as one likes."""

    program: Program
    url: str
    job_id: str
    rows: int

    @classmethod
    def submit(
        cls,
        folder: Path,
        url: str,
        *,
        rows: int,
        chunk_rows: int,
        options: tuple[str, ...] = (),
        program: Program | None = None,
    ) -> "TableJob":
        """program: of a deployment; without one `scoring resume` and dying.py work on the job."""
        settings = {"SCORING_DATABASE_URL": url, "SCORING_MAX_ATTEMPTS": "1000", "SCORING_LEASE_SECONDS": "2"}
        program = program or Program(folder, settings)
        schema_version.upgrade(url)
        pq.write_table(customers(rows), folder / "rows.parquet")
        model = churn_model(folder / "churn.onnx")
        wanted = ("--key", "id", "-o", "out", "--chunk-rows", chunk_rows, "--to-table", "scores", *options)
        submitted = program("submit", model, "rows.parquet", *wanted)
        return cls(program=program, url=url, job_id=submitted.stdout.strip(), rows=rows)

    def survive(self, *deaths: str) -> int:
        """Work on the job to its end through all these deaths (see dying.py); returns how many there were."""
        command = [sys.executable, str(Path(__file__).with_name("dying.py")), self.job_id, *deaths]
        environment = os.environ | self.program.settings | {"PYTHONPATH": str(ROOT)}
        ended = subprocess.run(
            command, cwd=self.program.folder, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        assert 0 == ended.returncode, ended.stderr
        return int(ended.stdout)

    def done(self) -> int:
        """Chunks that are committed."""
        with psycopg.connect(plain(self.url)) as connection:
            query = "SELECT chunks_done FROM job_progress WHERE job_id = %s"
            (found,) = connection.execute(query, (self.job_id,)).fetchall()
        return int(found[0])

    def check(self) -> None:
        """Every row of the part files stands in the table exactly once, and no other."""
        parts = sorted((self.program.folder / "out").glob("part-*.parquet"))
        written = ds.dataset(parts).to_table()
        assert list(range(self.rows)) == written["_row"].to_pylist()
        names = ", ".join(f'"{name}"' for name in written.column_names)
        with psycopg.connect(plain(self.url)) as connection:
            stored = connection.cursor(binary=True).execute(f"SELECT {names} FROM scores ORDER BY _row").fetchall()
            jobs = connection.execute("SELECT DISTINCT job_id FROM scores").fetchall()
        assert [(self.job_id,)] == jobs
        assert list(zip(*(column.to_pylist() for column in written.columns), strict=True)) == stored
