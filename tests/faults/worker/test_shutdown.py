"""A worker is told to end: what it has in hand is finished or handed back, and costs nothing."""

import os
import signal
import time
from collections.abc import Callable

import pytest

from tests.faults.scene import Scene

SLOW = {"SCORING_FAILPOINTS": "score.read=pause:0.3"}


@pytest.mark.fault("F24", "TERM to the main process, or to the whole group, amid chunks", "handed back at once, exit 0")
@pytest.mark.exhaustive
@pytest.mark.parametrize("tell", [os.kill, os.killpg])
def test_a_term_hands_back_and_costs_nothing(
    scene: Scene, recovered: Callable[[float], None], tell: Callable[[int, int], None]
) -> None:
    """A service manager may signal the parent alone or all: chunks in hand end or go back, another worker has them."""
    with scene.running("scheduler"):
        with scene.running("worker", "--concurrency", 2, **SLOW) as first:
            work = scene.submit()
            work.wait_for_parts(2)
            tell(first.pid, signal.SIGTERM)
            assert 0 == first.wait(timeout=30)
        with scene.running("worker", "--concurrency", 2):
            recovered(work.recovery())
            work.wait()
    assert [] == work.failures()
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.fault("F38", "TERM to a worker with 20 chunks rung and some prefetched", "the others run elsewhere, once")
def test_prefetched_chunks_go_to_another_worker(scene: Scene) -> None:
    """Messages that the first worker has taken and not begun are rung again: each chunk has one attempt."""
    with scene.running("scheduler"):
        with scene.running("worker", "--concurrency", 1, **SLOW) as first:
            work = scene.submit()
            work.wait_for_parts(1)
            first.send_signal(signal.SIGTERM)
            assert 0 == first.wait(timeout=30)
        left = 20 - work.done()
        begun = time.monotonic()
        with scene.running("worker", "--concurrency", 2):
            work.wait()
        seconds = time.monotonic() - begun
    completed = scene.sql(
        "SELECT count(*), count(DISTINCT chunk) FROM attempts"
        " WHERE job_id = %s AND kind = 'score' AND outcome = 'completed'",
        work.job_id,
    )
    assert [(20, 20)] == completed
    assert left > 10
    assert seconds < 60
    assert [] == work.failures()
    work.prove()
