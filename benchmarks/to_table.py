"""Rows per second into a Postgres table: `python -m benchmarks.to_table [--rows N] [--url URL] [--data FOLDER]`.

A row is (_row bigint, key bigint, score double precision) behind job_id and chunk. Without a URL a private server is
started, with fsync off; a given database must hold a ledger (`scoring db upgrade`).
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.process import SCORING, measured
from scoring.core.options import JobOptions
from scoring.core.result_table import ResultTable, TableName
from scoring.data.pg_types import table_columns
from scoring.data.pgcopy import copy_blocks, integer_field, text_field
from scoring.ledger import schema_version
from scoring.ledger.database import Ledger
from scoring.ledger.records import Job
from scoring.ledger.result_indexes import build_indexes
from scoring.pipeline.to_table import copy_rows
from tests.ledger.desk import Desk
from tests.servers import PostgresServer
from tests.servers.postgres import plain
from tests.small_models import linear_model

CHUNK_ROWS = 500_000
TABLE = TableName(schema="public", name="benchmark")


def main() -> int:
    given = _arguments().parse_args()
    with _database(given.url) as url:
        _in_process(url, given.rows, given.reps)
        _end_to_end(url, given.rows, given.reps)
    return 0


def _in_process(url: str, rows: int, reps: int) -> None:
    batch = _batch(rows)
    ledger = Ledger.open(url)
    desk = Desk(ledger)
    blocks = list(copy_blocks(batch, (text_field("0" * 16), integer_field(0))))
    _say("encoding alone", rows, [_timed(lambda: sum(map(len, _encoded(batch)))) for _ in range(reps)])
    with psycopg.connect(plain(url), autocommit=True) as connection:

        def bare() -> None:
            with connection.cursor().copy(f"COPY {TABLE} FROM STDIN (FORMAT binary)") as copy:
                for block in blocks:
                    copy.write(block)

        _say("bare COPY of prepared bytes", rows, [_fresh(desk, connection, lambda _job: bare()) for _ in range(reps)])
        ours = [_fresh(desk, connection, lambda job: _write(ledger, job, batch)) for _ in range(reps)]
        _say("encode, COPY, commit", rows, ours)
        job = _only_job(desk, connection)
        _say("building the indexes", rows, [_timed(lambda: ledger.run(lambda tx: build_indexes(tx, job, "_row")))])
        _say("the same into the indexed table", rows, [_timed(lambda: _write(ledger, job, batch)) for _ in range(reps)])
    ledger.close()


def _end_to_end(url: str, rows: int, reps: int) -> None:
    """`scoring run` of a linear model over Parquet, with the table and without."""
    with tempfile.TemporaryDirectory(prefix="scoring-benchmarks-") as name:
        folder = Path(name)
        model = linear_model(folder / "linear.onnx", weights=[1.0, 2.0])
        values = np.random.default_rng(7).random((2, rows)).astype(np.float32)
        source = pa.table({"key": pa.array(np.arange(rows)), "a": pa.array(values[0]), "b": pa.array(values[1])})
        pq.write_table(source, folder / "rows.parquet", row_group_size=CHUNK_ROWS)
        command = [SCORING, "run", str(model), str(folder / "rows.parquet"), "--key", "key"]
        os.environ["SCORING_DATABASE_URL"] = url
        for title, more in {
            "scoring run without a table": [],
            "scoring run --to-table": ["--to-table", "end_to_end", "--partition-by", "job"],
        }.items():
            _say(title, rows, [_run([*command, *more], folder, url) for _ in range(reps)])


def _run(command: list[str], folder: Path, url: str) -> float:
    # The benchmark's own settings are not handed on by `measured`: a .env file in the folder is read.
    (folder / ".env").write_text(f"SCORING_DATABASE_URL={url}\n")
    return measured(command, folder).wall_seconds


def _batch(rows: int) -> pa.RecordBatch:
    numbers = np.arange(rows)
    score = np.random.default_rng(7).random(rows)
    return pa.record_batch({"_row": pa.array(numbers), "key": pa.array(numbers), "score": pa.array(score)})


def _encoded(batch: pa.RecordBatch) -> Iterator[bytes | memoryview]:
    return copy_blocks(batch, (text_field("0" * 16), integer_field(0)))


def _write(ledger: Ledger, job: Job, batch: pa.RecordBatch) -> None:
    """Chunk by chunk, each in a transaction of its own."""
    for chunk, first in enumerate(range(0, batch.num_rows, CHUNK_ROWS)):
        part = batch.slice(first, CHUNK_ROWS)
        ledger.run(lambda tx, chunk=chunk, part=part: copy_rows(tx, job, chunk, part, lambda: None))  # type: ignore[misc]


def _only_job(desk: Desk, connection: psycopg.Connection) -> Job:
    """The one live job that writes into the table, which is made where it is missing."""
    connection.execute("UPDATE jobs SET state = 'cancelled', finished_at = 1 WHERE finished_at IS NULL")
    table = ResultTable(name=TABLE, columns=table_columns(_batch(0).schema))
    return desk.submit(result_table=table, options=JobOptions(key=("key",)))


def _fresh(desk: Desk, connection: psycopg.Connection, fill: Callable[[Job], None]) -> float:
    """Seconds that `fill` takes on an empty table without indexes."""
    connection.execute(f"DROP TABLE IF EXISTS {TABLE} CASCADE")
    job = _only_job(desk, connection)
    return _timed(lambda: fill(job))


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _say(title: str, rows: int, seconds: list[float]) -> None:
    middle = statistics.median(seconds)
    print(f"{title:34}{rows / middle / 1e6:8.2f} M rows/s{middle:9.2f} s", flush=True)


@contextmanager
def _database(given: str | None) -> Iterator[str]:
    if given is not None:
        yield given
        return
    server = PostgresServer()
    try:
        server.start()
        url = server.create_database()
        schema_version.upgrade(url)
        yield url
    finally:
        server.close()


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.to_table", description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--reps", type=int, default=3, help="runs of each; the median counts")
    parser.add_argument("--url", help="of an empty ledger in Postgres; default: a private server")
    return parser


if __name__ == "__main__":
    sys.exit(main())
