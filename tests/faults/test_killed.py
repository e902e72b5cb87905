"""A worker that is killed: its chunk goes to another one, and no row is lost or doubled."""

import os
import signal
from collections.abc import Callable

import pytest

from tests.faults.scene import Scene


@pytest.mark.fault("F19", "KILL to the worker's whole process group amid a chunk", "its chunks are scored by another")
def test_a_killed_worker_is_followed_by_another(scene: Scene, recovered: Callable[[float], None]) -> None:
    """One of two workers dies with its children: within a lease and ten seconds the job goes on, and is whole."""
    slow = {"SCORING_FAILPOINTS": "score.read=pause:0.1"}
    with scene.running("scheduler"), scene.running("worker", "--concurrency", 2, **slow) as first:
        work = scene.submit()
        work.wait_for_parts(3)
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
        with scene.running("worker", "--concurrency", 1):
            seconds = work.recovery()
            work.wait()
    recovered(seconds)
    assert scene.lease_seconds + 10 >= seconds
    assert {"worker_lost"} == {str(failure["error_code"]) for failure in work.failures()}
    work.prove()
