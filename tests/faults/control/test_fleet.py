"""What an operator does to a deployment at work: urgent jobs, workers replaced, processes told to stop."""

import signal
from contextlib import ExitStack

import pytest

from tests.faults.scene import Scene, Work
from tests.waiting import wait_for

SLOW = {"SCORING_FAILPOINTS": "score.read=pause:0.2"}
LARGE = 40


def done_after(work: Work, other: Work) -> int:
    """Chunks of `work` that were committed after the other job had ended."""
    query = (
        "SELECT count(*) FROM parts JOIN jobs other ON other.job_id = %s"
        " WHERE parts.job_id = %s AND parts.committed_at > other.finished_at"
    )
    [(count,)] = work.scene.sql(query, other.job_id, work.job_id)
    return int(str(count))


def done_between(work: Work, other: Work) -> int:
    """Chunks of `work` that were committed between the submission of the other job and its end."""
    query = (
        "SELECT count(*) FROM parts JOIN jobs other ON other.job_id = %s WHERE parts.job_id = %s"
        " AND parts.committed_at BETWEEN other.submitted_at AND other.finished_at"
    )
    [(count,)] = work.scene.sql(query, other.job_id, work.job_id)
    return int(str(count))


@pytest.mark.exhaustive
@pytest.mark.fault("F16", "a small urgent job behind a large one that is being scored", "it overtakes it")
@pytest.mark.parametrize("slots", [1, 2])
def test_a_small_urgent_job_overtakes_a_large_one(scene: Scene, slots: int) -> None:
    """Its split, its chunk and its finalize each wait for one chunk per slot at most, however many are queued."""
    with scene.running("scheduler"), scene.running("worker", "--concurrency", slots, **SLOW):
        large = scene.submit(rows=LARGE * 500, chunk_rows=500, out="large")
        large.wait_for_parts(2)
        low = scene.submit("--priority", "low", rows=1_000, out="low")
        urgent = scene.submit("--priority", "high", rows=1_000, out="urgent")
        urgent.wait()
        large.wait()
        low.wait()
    # One chunk that has begun, and one message that Celery has taken before, per slot and step.
    assert 3 * 2 * slots >= done_between(large, urgent)
    assert done_after(large, urgent) >= LARGE // 2
    assert 0 == done_after(large, low)
    urgent.prove()
    large.prove()


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F38", "TERM to each of two workers in turn, another in its place, with a job at work", "nothing burned"
)
def test_workers_are_replaced_one_by_one_under_a_job(scene: Scene) -> None:
    """A rolling upgrade: all exit 0, nothing fails, and no chunk waits for a lease."""
    with scene.running("scheduler"), ExitStack() as stack:
        workers = [stack.enter_context(scene.running("worker", "--concurrency", 2, **SLOW)) for _ in range(2)]
        work = scene.submit(rows=30_000, chunk_rows=500)
        for number, old in enumerate(list(workers)):
            work.wait_for_parts(5 * (number + 1))
            workers.append(stack.enter_context(scene.running("worker", "--concurrency", 2, **SLOW)))
            old.send_signal(signal.SIGTERM)
            assert 0 == old.wait(timeout=30)
        assert work.done() < 60
        work.wait()
    assert [] == work.failures()
    ends = scene.sql("SELECT DISTINCT outcome FROM attempts WHERE job_id = %s", work.job_id)
    assert {("completed",)} <= set(ends) <= {("completed",), ("released",)}
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.fault("F24", "TERM to the only scheduler, and another in its place, with a job at work", "exit 0; once")
def test_a_scheduler_that_is_told_to_stop_leaves_in_order(scene: Scene) -> None:
    """It is gone from the list of processes at once, and the next one goes on."""
    with scene.running("worker", "--concurrency", 1, **SLOW), ExitStack() as stack:
        first = stack.enter_context(scene.running("scheduler"))
        work = scene.submit()
        work.wait_for_parts(3)
        schedulers = "SELECT count(*) FROM processes WHERE kind = 'scheduler'"
        wait_for(lambda: scene.sql(schedulers) == [(1,)], "its presence")
        first.send_signal(signal.SIGTERM)
        assert 0 == first.wait(timeout=30)
        assert [(0,)] == scene.sql(schedulers)
        stack.enter_context(scene.running("scheduler"))
        work.wait()
    assert [] == work.failures()
    work.prove()
