"""The end of a job: exactly one finalizer, and one that may be killed anywhere."""

import time
from collections.abc import Callable

import pytest

from tests.faults.control.barrier import Barrier
from tests.faults.control.home import Home, died
from tests.faults.scene import Scene, Work

FINALIZE_POINTS = (
    "finalize.verdict",
    "finalize.committed",
    "promote.rename",
    "promote.renamed",
    "finalize.promoted",
    "manifest.written",
    "finalize.settle",
    "finalize.settled",
)
DEATHS = 4
"""More than the budget of a step."""


def finalizers(work: Work) -> list[tuple[object, ...]]:
    query = "SELECT attempt, outcome FROM attempts WHERE job_id = %s AND kind = 'finalize' ORDER BY attempt"
    return work.scene.sql(query, work.job_id)


@pytest.mark.fault(
    "F59", "the last two chunks commit at the same moment, in two processes", "one finalizer, one verdict"
)
def test_two_last_chunks_have_one_finalizer(scene: Scene, barrier: Barrier) -> None:
    """Each transaction sees the other chunk still running, and yet the job ends at once, by no scheduler's help."""
    with scene.running("worker", "--concurrency", 2, **barrier.at("commit.commit#0", "commit.commit#1")):
        work = scene.submit(rows=2_000)
        barrier.wait_for(2)
        barrier.let_go()
        work.wait()
    assert [(1, "completed")] == finalizers(work)
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.fault("F60", "KILL to a `scoring run` at each step of the finalize, again and again", "`resume` goes on")
@pytest.mark.parametrize("point", FINALIZE_POINTS)
def test_a_finalize_that_is_killed_is_done_again(home: Home, point: str) -> None:
    """Four deaths at one place, and the fifth process ends the job as if there had been none."""
    options = ("--overwrite",) if point.startswith("promote") else ()  # then it is the finalize that promotes
    killed = {"SCORING_FAILPOINTS": f"{point}=kill"}
    assert died(home.run("--workers", 1, *options, **killed))
    for _ in range(DEATHS - 1):
        died(home.resume(**killed))  # or ends: a rename that is done, or a job that is settled, is not met again
    home.program("resume", "last")
    home.prove()


@pytest.mark.exhaustive
@pytest.mark.fault("F60", "KILL to a worker's child at each step of the finalize", "rescued after the lease, and whole")
def test_a_worker_that_dies_in_the_finalize_is_followed(scene: Scene, recovered: Callable[[float], None]) -> None:
    """One child after the other dies at another step; each time the next one goes on from the rows."""
    points = ("finalize.committed", "manifest.written")  # two, for the third death of one step would be its last
    deaths = ";".join(f"{point}=kill!{scene.folder / point}" for point in points)
    with scene.running("scheduler"), scene.running("worker", "--concurrency", 1, SCORING_FAILPOINTS=deaths):
        work = scene.submit(rows=2_000)
        work.wait_for_parts(2)
        begun = time.monotonic()
        work.wait()
        recovered((time.monotonic() - begun) / len(points))
    lost = [(number, "retryable") for number in (1, 2)]
    assert [*lost, (3, "completed")] == finalizers(work)
    work.prove()
