"""The whole deployment under fire: servers and workers go, the same rows come out."""

import os
import signal
from collections.abc import Callable

import pyarrow.parquet as pq
import pytest

from tests.acceptance.conftest import customers
from tests.faults.scene import Scene
from tests.small_models import churn_model
from tests.waiting import wait_for

SLOW = {"SCORING_FAILPOINTS": "score.read=pause:0.1"}


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F19", "KILL to one of two workers, and FLUSHALL at the same moment", "the other does all that is left"
)
def test_a_killed_worker_and_an_emptied_broker_change_no_row(scene: Scene, recovered: Callable[[float], None]) -> None:
    """Two faults at once: what the ledger knows is enough."""
    with (
        scene.running("scheduler"),
        scene.running("worker", "--concurrency", 1, **SLOW) as first,
        scene.running("worker", "--concurrency", 2, **SLOW),
    ):
        work = scene.submit()
        work.wait_for_parts(5)
        os.killpg(first.pid, signal.SIGKILL)
        with scene.servers.redis.client() as broker:
            broker.flushall()
        recovered(work.recovery())
        work.wait()
    work.prove()


@pytest.mark.fault(
    "F6", "a submit while Redis is down, workers started afterwards", "accepted, said, run once it is back"
)
@pytest.mark.exhaustive
def test_a_submit_without_a_broker_is_accepted(scene: Scene) -> None:
    """The job is in the ledger within seconds, and runs once the broker is back."""
    model, source = churn_model(scene.folder / "churn.onnx"), scene.folder / "rows.parquet"
    pq.write_table(customers(5_000), source)
    scene.servers.redis.kill()
    submitted = scene.program("submit", model, source, "-o", "out")
    assert "broker" in submitted.stderr
    scene.servers.redis.start()
    with scene.running("scheduler"), scene.running("worker", "--concurrency", 1):
        scene.program("wait", submitted.stdout.strip(), "--timeout", "90s")
    assert 5_000 == pq.read_table(scene.folder / "out" / "part-000000.parquet").num_rows


@pytest.mark.exhaustive
def test_an_input_that_a_worker_cannot_see_costs_no_attempt(scene: Scene) -> None:
    """`doctor` names the worker and the job; nothing fails."""
    model, source = churn_model(scene.folder / "churn.onnx"), scene.folder / "here" / "rows.parquet"
    source.parent.mkdir()
    pq.write_table(customers(100), source)
    job_id = scene.program("submit", model, source, "-o", "out").stdout.strip()
    source.parent.rename(scene.folder / "elsewhere")
    with scene.running("scheduler"), scene.running("worker", "--concurrency", 1):
        wait_for(lambda: any("does not see" in check["message"] for check in checks(scene)), "the doctor's word")
        assert "running" == scene.program.json("status", job_id)["state"]
    assert [] == scene.program.json("failures", job_id)["attempts"]


def checks(scene: Scene) -> list[dict[str, str]]:
    found: list[dict[str, str]] = scene.program.json("doctor")["checks"]
    return found


@pytest.mark.exhaustive
@pytest.mark.fault("F2", "Redis killed while the only slot ends its chunk", "the worker hears it again within seconds")
def test_a_broker_that_was_away_at_an_acknowledgement_is_heard_again(
    scene: Scene, recovered: Callable[[float], None]
) -> None:
    """A message that could not be acknowledged does not keep the slot busy for ever."""
    with scene.running("scheduler"), scene.running("worker", "--concurrency", 1, **SLOW):
        work = scene.submit()
        work.wait_for_parts(3)
        scene.servers.redis.kill()
        log = scene.log("worker", "--concurrency", 1)
        wait_for(lambda: "ack" in log.read_text(), "a lost acknowledgement")
        scene.servers.redis.start()
        recovered(work.recovery(seconds=30))
        work.wait()
    assert [] == work.failures()
    work.prove()
