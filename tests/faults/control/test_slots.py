"""Schedules before real schedulers: what was missed, what changes its clock, what is still at work."""

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.acceptance.conftest import customers
from tests.faults.scene import Scene
from tests.small_models import churn_model
from tests.waiting import wait_for

HOUR_US = 3_600_000_000
MISSED = 3


def hourly() -> str:
    """A cron line with half an hour from now to its slots on either side: none falls due while a test looks."""
    return f"{(datetime.now(UTC).minute + 30) % 60} * * * *"


def add(scene: Scene, name: str, *options: str, cron: str) -> None:
    """A schedule whose jobs score ten rows."""
    source = scene.folder / "rows.parquet"
    if not source.exists():
        pq.write_table(customers(10), source)
    job = ("--model", churn_model(scene.folder / "churn.onnx"), "--input", source, "-o", f"{name}/{{slot}}")
    scene.program("schedule", "add", name, "--cron", cron, *job, *options)


def set_back(scene: Scene, slots: int) -> None:
    """Hourly schedules as they are after so many slots without a scheduler: their last decision is as old."""
    scene.sql(f"UPDATE cron_schedules SET next_slot = next_slot - {slots * HOUR_US}")


def outcome(scene: Scene, name: str) -> list[str]:
    """States of the slots of a schedule, oldest first."""
    return [str(state) for (state,) in scene.sql("SELECT state FROM slots WHERE schedule = %s ORDER BY slot", name)]


def log(folder: Path) -> str:
    return (folder / "scheduler.log").read_text()


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F52", "no scheduler over three slots of each of three schedules", "none, the last, or all of them run"
)
def test_missed_slots_are_caught_up_as_declared(scene: Scene) -> None:
    """What is not run is on record as skipped, and one line of the log says how many."""
    expected = {
        "none": ["skipped"] * MISSED,
        "latest": ["skipped"] * (MISSED - 1) + ["submitted"],
        "all": ["submitted"] * MISSED,
    }
    for policy in expected:
        add(scene, policy, "--catch-up", policy, "--overlap", "allow", cron=hourly())
    set_back(scene, MISSED)
    with scene.running("scheduler"):
        wait_for(lambda: all(len(outcome(scene, name)) >= MISSED for name in expected), "a decision on all slots")
        wait_for(lambda: "waiting" not in str([outcome(scene, name) for name in expected]), "their jobs")
    for policy, states in expected.items():
        assert states == outcome(scene, policy), policy
    assert len(expected) - 1 == log(scene.folder).count("passed unseen")


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F53", "the nights of both changes of clocks, in Berlin at 02:30", "each night once, by its time in UTC"
)
def test_a_change_of_clocks_doubles_and_loses_no_night(scene: Scene) -> None:
    """The time that does not exist runs when the clocks have moved on, the one that comes twice runs once."""
    add(scene, "nightly", "--timezone", "Europe/Berlin", cron="30 2 * * *")
    for first, last in (("2025-03-29", "2025-03-31"), ("2025-10-25", "2025-10-27")):
        scene.program("schedule", "backfill", "nightly", "--from", first, "--to", last)
    with scene.running("scheduler"):
        wait_for(lambda: outcome(scene, "nightly").count("submitted") >= 6, "the jobs of six nights")
    jobs = scene.program.json("jobs")
    assert [
        "2025-03-29T01:30",
        "2025-03-30T01:00",
        "2025-03-31T00:30",
        "2025-10-25T00:30",
        "2025-10-26T00:30",
        "2025-10-27T01:30",
    ] == sorted(job["slot"][:16] for job in jobs)


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F54", "three slots due while the job of the first is still at work", "skipped, queued or run beside it"
)
def test_a_slot_that_meets_the_former_one_does_as_declared(scene: Scene) -> None:
    """Without a worker the first job does not end; with one the queue moves on."""
    expected = {
        "forbid": ["submitted", "skipped", "skipped"],
        "queue": ["submitted", "waiting", "waiting"],
        "allow": ["submitted"] * MISSED,
    }
    for policy in expected:
        add(scene, policy, "--catch-up", "all", "--overlap", policy, cron=hourly())
    set_back(scene, MISSED)
    with ExitStack() as stack:
        stack.enter_context(scene.running("scheduler"))
        wait_for(lambda: all(len(outcome(scene, name)) >= MISSED for name in expected), "a decision on all slots")
        for policy, states in expected.items():
            wait_for(lambda: outcome(scene, policy) == states, f"{policy}: {states}")  # noqa: B023  # now
        stack.enter_context(scene.running("worker", "--concurrency", 1))
        wait_for(lambda: outcome(scene, "queue") == ["submitted"] * MISSED, "the queue's turn")
    assert expected["forbid"] == outcome(scene, "forbid")


@pytest.mark.exhaustive
@pytest.mark.fault("F51", "three schedulers before twenty slots that are due at once", "one job for each slot")
def test_three_schedulers_make_one_job_for_each_slot(scene: Scene) -> None:
    """They fire at the same moments, and none of them finds a slot that another has started."""
    add(scene, "hourly", "--catch-up", "all", "--overlap", "allow", cron=hourly())
    set_back(scene, 20)
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(scene.running("scheduler"))
        wait_for(lambda: outcome(scene, "hourly").count("submitted") >= 20, "twenty jobs")
    assert [(20, 20)] == scene.sql("SELECT count(*), count(DISTINCT slot) FROM jobs")
    assert 20 == log(scene.folder).count("has job")
