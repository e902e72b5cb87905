"""Messages that Redis loses or doubles by the way in which kombu takes and keeps them."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scoring.core.ids import JobId, StepId
from scoring.core.states import Priority, StepKind
from scoring.queue import CeleryBell
from tests.faults.broker.fleet import SLOW, WORKER, altered, begun, lines, odd_worker, rung
from tests.faults.scene import Scene
from tests.waiting import wait_for

NOT_CLAIMED = "nothing to claim"
KILLS = 10
LONG_LEASE = 60


@pytest.mark.fault("F9", "KILL between BRPOP and the note of its message", "missed by the count, rung again at once")
@pytest.mark.exhaustive
def test_a_message_lost_on_its_way_in_is_missed(
    scene: Scene, tmp_path: Path, recovered: Callable[[float], None]
) -> None:
    """It stands in no list of Redis, and no lease runs: another worker has the chunk long before one would end."""
    scene = altered(scene, SCORING_LEASE_SECONDS=str(LONG_LEASE))
    with scene.running("scheduler"), odd_worker(scene, "window.py", tmp_path / "killed", *WORKER) as worker:
        work = scene.submit()
        worker.wait(timeout=60)
        died = time.monotonic()
        with scene.running(*WORKER):
            work.wait_for_parts(1)
            recovered(time.monotonic() - died)
            work.wait(seconds=30)
    assert [] == work.failures()
    work.prove()


@pytest.mark.fault("F9", f"KILL to a worker 0 to 50 ms after a ring, {KILLS} times", "each chunk is scored once")
@pytest.mark.exhaustive
def test_workers_killed_as_messages_arrive_lose_no_chunk(scene: Scene) -> None:
    """The budget is larger than the deaths, so that each chunk must end well."""
    scene = altered(scene, SCORING_MAX_ATTEMPTS=str(KILLS + 1), SCORING_LEASE_SECONDS="2")
    with scene.running("scheduler"):
        work = scene.submit(rows=30_000)
        for kill in range(KILLS):
            with scene.running(*WORKER, **SLOW) as worker:
                before = begun(work)
                wait_for(lambda before=before: begun(work) > before or work.done() == 30, "a worker at work")
                threading.Timer(0.05 * kill / KILLS, os.killpg, (worker.pid, signal.SIGKILL)).start()
                worker.wait(timeout=30)
        with scene.running(*WORKER):
            work.wait()
    work.prove()


@pytest.mark.fault("F10", "a chunk of 20 s, visibility timeout of 3 s", "delivered again, not claimed, one line each")
@pytest.mark.exhaustive
def test_a_chunk_longer_than_the_visibility_timeout_runs_once(scene: Scene) -> None:
    """Redis gives its message to an idle slot, which finds a live lease and drops it."""
    slow = {"SCORING_FAILPOINTS": "score.read#0=pause:20"}
    with scene.running("scheduler"), odd_worker(scene, "impatient.py", 3, *WORKER, **slow):
        work = scene.submit(rows=3_000)
        work.wait()
    assert lines(scene, NOT_CLAIMED)
    assert [] == work.failures()
    work.prove()


@pytest.mark.fault("F11", "one message fifty times in the queue", "one is claimed, the others are dropped")
@pytest.mark.exhaustive
def test_of_fifty_copies_one_is_claimed(scene: Scene) -> None:
    """Each copy that came too late has its line in the log."""
    with scene.running("scheduler"):
        work = scene.submit(rows=1_000)
        bell = CeleryBell(scene.program.settings["SCORING_BROKER_URL"])
        with scene.running(*WORKER, SCORING_FAILPOINTS="score.read=pause:2"):
            wait_for(lambda: rung(work) or begun(work), "the chunk's own message")
            assert bell.ring([StepId(JobId(work.job_id), StepKind.SCORE, 0)] * 50, Priority.NORMAL)
            wait_for(lambda: len(lines(scene, NOT_CLAIMED)) >= 49, "a line for each copy")
            work.wait()
    assert [] == work.failures()
    work.prove()


@pytest.mark.fault("F16", "one chunk of 10 s before 20 short ones, 2 workers", "the short ones do not wait for it")
@pytest.mark.exhaustive
def test_chunks_behind_a_long_one_are_not_held_hostage(scene: Scene) -> None:
    """All others are public while the long one still runs: nobody keeps messages that he cannot work on."""
    slow = {"SCORING_FAILPOINTS": "score.read#0=pause:10"}
    one = ("worker", "--concurrency", 1)
    with scene.running("scheduler"), scene.running(*one, **slow), scene.running(*one, **slow):
        work = scene.submit(rows=21_000)
        work.wait_for_parts(20)
        assert {0} == {chunk for chunk in begun(work) if not (work.out / f"part-{chunk:06d}.parquet").exists()}
        work.wait()
    assert [] == work.failures()
    work.prove()
