"""What a chunk costs beside its scoring, and what a question costs, in a deployed job of many tiny chunks."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import redis

from benchmarks.process import SCORING, Failed, scratch
from scoring.core.ids import JobId
from scoring.ledger import reports
from scoring.ledger.database import Ledger
from tests.acceptance.conftest import customers
from tests.servers import Servers
from tests.servers.postgres import plain
from tests.small_models import churn_model

CHUNK_ROWS = 10
EDGE = 1_000
"""Chunks at either end of the job that are compared."""

MOST_RATIO = 1.2
MOST_MILLISECONDS = 100.0
LOOK_SECONDS = 0.5

SPENT = """
    SELECT avg(seconds) FILTER (WHERE place <= %(edge)s), avg(seconds) FILTER (WHERE place > total - %(edge)s)
    FROM (SELECT (ended_at - started_at) / 1e6 AS seconds, row_number() OVER (ORDER BY ended_at) AS place,
          count(*) OVER () AS total
          FROM attempts WHERE kind = 'score' AND outcome = 'completed') AS chunk
"""
"""Seconds from the claim of a chunk to its commit, on average: of the first and of the last ones."""


@dataclass
class Seen:
    """What was looked at while the job ran."""

    # Milliseconds of each `status`.
    status: list[float] = field(default_factory=list)
    # Bytes of the broker.
    broker: list[int] = field(default_factory=list)


def compare(data: Path, chunks: int) -> bool:
    """Print what the job of so many chunks has cost; True where it stays within what is promised."""
    with scratch(data) as folder, Servers.private() as servers:
        url = servers.postgres.create_database()
        environment = _environment(folder, servers, url)
        _scoring(environment, folder, "db", "upgrade")
        begun = time.perf_counter()
        with _fleet(environment, folder):
            seen = _watched(environment, folder, servers, url, chunks)
        took = time.perf_counter() - begun
        with psycopg.connect(plain(url)) as connection:
            first, last = connection.execute(SPENT, {"edge": EDGE}).fetchone() or (0, 1)
    ratio, slowest = float(last / first), max(seen.status)
    print(f"{chunks:,} chunks of {CHUNK_ROWS} rows in {took:.0f} s: {1_000 * took / chunks:.1f} ms per chunk")
    print(f"claim to commit: first {EDGE:,} {1_000 * first:.1f} ms, last {EDGE:,} {1_000 * last:.1f} ms ({ratio:.2f}×)")
    print(f"status while it ran, {len(seen.status)} times: {slowest:.0f} ms at most")
    print(f"broker: {min(seen.broker) / 2**20:.1f} to {max(seen.broker) / 2**20:.1f} MiB")
    return ratio <= MOST_RATIO and slowest < MOST_MILLISECONDS


def _environment(folder: Path, servers: Servers, url: str) -> dict[str, str]:
    return os.environ | {
        "SCORING_HOME": str(folder / "home"),
        "SCORING_STORE": str(folder / "store"),
        "SCORING_DATABASE_URL": url,
        "SCORING_BROKER_URL": servers.redis.url,
    }


def _scoring(environment: dict[str, str], folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [SCORING, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Failed(f"scoring {' '.join(arguments)}: exit {done.returncode}\n{done.stderr[-2_000:]}")
    return done.stdout.strip()


@contextmanager
def _fleet(environment: dict[str, str], folder: Path) -> Iterator[None]:
    with ExitStack() as stack:
        for command in (["scheduler"], ["worker", "--concurrency", "2"]):
            log = stack.enter_context((folder / f"{command[0]}.log").open("w"))
            process = subprocess.Popen([SCORING, *command], cwd=folder, env=environment, stderr=log)
            stack.callback(process.wait)
            stack.callback(process.terminate)
        yield


def _watched(environment: dict[str, str], folder: Path, servers: Servers, url: str, chunks: int) -> Seen:
    """Submit the job, and look at it until it has ended."""
    import pyarrow.parquet as pq

    model, rows = churn_model(folder / "churn.onnx"), folder / "rows.parquet"
    pq.write_table(customers(chunks * CHUNK_ROWS), rows)
    job = JobId(_scoring(environment, folder, "submit", str(model), str(rows), "--chunk-rows", str(CHUNK_ROWS)))
    seen, ledger = Seen(), Ledger.open(url)
    with redis.Redis.from_url(servers.redis.url) as broker:
        while True:
            begun = time.perf_counter()
            facts = ledger.look(lambda tx: reports.job_facts(tx, job))
            seen.status.append(1_000 * (time.perf_counter() - begun))
            seen.broker.append(broker.info("memory")["used_memory"])
            if facts["finished_at"] is not None:
                break
            time.sleep(LOOK_SECONDS)
    ledger.close()
    if facts["state"] != "succeeded":
        raise Failed(f"the job ended as {facts['state']}: {facts['error']}")
    return seen
