"""A schedule on the clock of the wall: real schedulers, one of which is killed."""

import os
import signal
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.acceptance.conftest import customers
from tests.faults.scene import Scene
from tests.small_models import churn_model
from tests.waiting import wait_for

SCHEDULERS = 3
IN_TIME = timedelta(seconds=30)


@pytest.mark.exhaustive
@pytest.mark.fault("F51", "KILL to one of three schedulers before a slot falls due", "one job, within 30 s of its slot")
def test_a_killed_scheduler_costs_no_slot_and_doubles_none(scene: Scene, tmp_path: Path) -> None:
    """One of three is killed before the minute is full: one job, within 30 s of its slot, and it succeeds."""
    model, source = churn_model(tmp_path / "churn.onnx"), tmp_path / "rows.parquet"
    pq.write_table(customers(1_000), source)
    deployed, log = scene.program, scene.log("scheduler")  # of all three
    with ExitStack() as stack:
        processes = [stack.enter_context(scene.running("scheduler")) for _ in range(SCHEDULERS)]
        stack.enter_context(scene.running("worker", "--concurrency", 1))
        wait_for(lambda: log.read_text().count("started") == SCHEDULERS, "three schedulers")
        every_minute = ("--cron", "* * * * *", "--key", "id", "-o", "out/{slot}")
        deployed("schedule", "add", "minutely", "--model", model, "--input", source, *every_minute)
        os.killpg(processes[0].pid, signal.SIGKILL)
        wait_for(lambda: "has job" in log.read_text(), "the slot's job", seconds=90)
        deployed("schedule", "pause", "minutely")
        [slot] = deployed.json("sql", "SELECT * FROM schedule_slots")
        deployed("wait", slot["job_id"], "--timeout", "60s")
    [job] = deployed.json("jobs")
    assert ("minutely", slot["slot"], "succeeded") == (job["schedule"], job["slot"], job["state"])
    late = _moment(job["submitted_at"]) - _moment(job["slot"])
    assert timedelta() <= late <= IN_TIME
    assert 1_000 == pq.read_table(tmp_path / "out" / f"{_moment(job['slot']):%Y%m%dT%H%M%S}").num_rows
    assert 1 == log.read_text().count("has job")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
