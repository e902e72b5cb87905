"""The whole deployment under fire: a worker killed, the broker emptied, and the same rows at the end."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import redis

from tests.acceptance.conftest import customers
from tests.acceptance.program import Program
from tests.servers import Servers
from tests.small_models import churn_model
from tests.waiting import wait_for

ROWS = 200_000


@contextmanager
def running(program: Program, *command: object) -> Iterator[subprocess.Popen[str]]:
    """A process of the deployment in a group of its own, its log in a file."""
    name = "-".join(map(str, command))
    with (program.folder / f"{name}.log").open("a") as log:
        process = program.start(*command, stderr=log, start_new_session=True)
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("part-*.parquet"))


def rows_of(folder: Path) -> pa.Table:
    return ds.dataset(parts(folder)).to_table()


def test_a_killed_worker_and_an_emptied_broker_change_no_row(
    deployed: Program, private_servers: Servers, tmp_path: Path
) -> None:
    """One of two workers is killed, all queues are emptied: the result equals an undisturbed one, byte for byte."""
    model, source = churn_model(tmp_path / "churn.onnx"), tmp_path / "rows.parquet"
    pq.write_table(customers(ROWS), source)
    quiet = Program(tmp_path / "quiet")
    quiet.folder.mkdir()
    quiet("run", model, source, "--key", "id", "-o", "out", "--chunk-rows", 2_000)
    out = tmp_path / "out"
    with ExitStack() as stack:
        stack.enter_context(running(deployed, "scheduler"))
        first = stack.enter_context(running(deployed, "worker", "--concurrency", 1))
        stack.enter_context(running(deployed, "worker", "--concurrency", 2))
        submitted = deployed("submit", model, source, "--key", "id", "-o", out, "--chunk-rows", 2_000)
        job_id = submitted.stdout.strip()
        wait_for(lambda: len(parts(out)) >= 5, "the first parts")
        os.killpg(first.pid, signal.SIGKILL)
        with redis.Redis.from_url(private_servers.redis.url) as broker:
            broker.flushall()
        deployed("wait", job_id, "--timeout", "90s")
    assert rows_of(quiet.folder / "out").equals(rows_of(out))
    assert ROWS == rows_of(out).num_rows


def test_a_term_is_a_warm_stop(deployed: Program, tmp_path: Path) -> None:
    """A worker that is told to stop ends what it has in hand, costs no attempt, and exits 0."""
    model, source = churn_model(tmp_path / "churn.onnx"), tmp_path / "rows.parquet"
    pq.write_table(customers(ROWS), source)
    out = tmp_path / "out"
    with running(deployed, "scheduler"):
        with running(deployed, "worker", "--concurrency", 2) as worker:
            job_id = deployed("submit", model, source, "-o", out, "--chunk-rows", 2_000).stdout.strip()
            wait_for(lambda: len(parts(out)) >= 3, "the first parts")
            worker.send_signal(signal.SIGTERM)
            worker.wait(timeout=30)
            assert 0 == worker.returncode
        with running(deployed, "worker", "--concurrency", 2):
            deployed("wait", job_id, "--timeout", "90s")
    assert [] == deployed.json("failures", job_id)["attempts"]
    assert list(range(ROWS)) == rows_of(out)["_row"].to_pylist()


def test_a_submit_without_a_broker_is_accepted(deployed: Program, private_servers: Servers, tmp_path: Path) -> None:
    """The job is in the ledger within seconds, and runs once the broker is back."""
    model, source = churn_model(tmp_path / "churn.onnx"), tmp_path / "rows.parquet"
    pq.write_table(customers(5_000), source)
    private_servers.redis.kill()
    submitted = deployed("submit", model, source, "-o", tmp_path / "out")
    assert "broker" in submitted.stderr
    private_servers.redis.start()
    with running(deployed, "scheduler"), running(deployed, "worker", "--concurrency", 1):
        deployed("wait", submitted.stdout.strip(), "--timeout", "90s")
    assert 5_000 == rows_of(tmp_path / "out").num_rows


def test_an_input_that_a_worker_cannot_see_costs_no_attempt(deployed: Program, tmp_path: Path) -> None:
    """`doctor` names the worker and the job; nothing fails."""
    model, source = churn_model(tmp_path / "churn.onnx"), tmp_path / "here" / "rows.parquet"
    source.parent.mkdir()
    pq.write_table(customers(100), source)
    job_id = deployed("submit", model, source, "-o", tmp_path / "out").stdout.strip()
    source.parent.rename(tmp_path / "elsewhere")
    with running(deployed, "scheduler"), running(deployed, "worker", "--concurrency", 1):
        wait_for(lambda: any("does not see" in check["message"] for check in checks(deployed)), "the doctor's word")
        assert "running" == deployed.json("status", job_id)["state"]
    assert [] == deployed.json("failures", job_id)["attempts"]


def checks(program: Program) -> list[dict[str, str]]:
    found: list[dict[str, str]] = program.json("doctor")["checks"]
    return found


def test_a_broker_that_was_away_at_an_acknowledgement_is_heard_again(
    deployed: Program, private_servers: Servers, tmp_path: Path
) -> None:
    """The only slot ends its chunk while Redis is down; once Redis is back the worker goes on within seconds."""
    model, source = churn_model(tmp_path / "churn.onnx"), tmp_path / "rows.parquet"
    pq.write_table(customers(ROWS), source)
    out = tmp_path / "out"
    with running(deployed, "scheduler"), running(deployed, "worker", "--concurrency", 1):
        job_id = deployed("submit", model, source, "-o", out, "--chunk-rows", 2_000).stdout.strip()
        wait_for(lambda: len(parts(out)) >= 3, "the first parts")
        private_servers.redis.kill()
        log = deployed.folder / "worker---concurrency-1.log"
        wait_for(lambda: "ack" in log.read_text(), "a lost acknowledgement")
        silent = len(parts(out))
        private_servers.redis.start()
        wait_for(lambda: len(parts(out)) > silent, "work after the outage", seconds=30)
        deployed("wait", job_id, "--timeout", "90s")
    assert list(range(ROWS)) == rows_of(out)["_row"].to_pylist()
    assert [] == deployed.json("failures", job_id)["attempts"]


def test_a_term_to_the_whole_group_costs_no_attempt(deployed: Program, tmp_path: Path) -> None:
    """A service manager signals parent and children alike: the steps in hand are handed back or finished."""
    model, source = churn_model(tmp_path / "churn.onnx"), tmp_path / "rows.parquet"
    pq.write_table(customers(ROWS), source)
    out = tmp_path / "out"
    with running(deployed, "scheduler"):
        with running(deployed, "worker", "--concurrency", 2) as worker:
            job_id = deployed("submit", model, source, "-o", out, "--chunk-rows", 2_000).stdout.strip()
            wait_for(lambda: len(parts(out)) >= 3, "the first parts")
            os.killpg(worker.pid, signal.SIGTERM)
            assert 0 == worker.wait(timeout=30)
        with running(deployed, "worker", "--concurrency", 2):
            deployed("wait", job_id, "--timeout", "90s")
    assert [] == deployed.json("failures", job_id)["attempts"]
    assert list(range(ROWS)) == rows_of(out)["_row"].to_pylist()
