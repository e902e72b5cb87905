"""A process that sleeps past its lease at a job's own step, and wakes when the job, and its output, are another's."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scoring.failpoints import POINTS
from tests.faults.scene import Scene
from tests.faults.test_points import ALONE
from tests.waiting import wait_for

SLEEPER = ("worker", "--concurrency", 1)
OTHER = ("worker", "--concurrency", 2)
NO_LONGER = "no longer owns the step"
ROWS = 3_000

SPLIT = ("split.written", "split.recorded", "split.complete")
FINALIZE = ("finalize.verdict", "finalize.committed", "finalize.promoted", "manifest.written", "finalize.settle")


class Sleeper:
    """The first process that comes to a place."""

    def __init__(self, folder: Path, point: str) -> None:
        self._beds = folder / "beds"
        self._beds.mkdir()
        self.settings = {"SCORING_FAILPOINTS": f"{point}=hold:{self._beds}!{folder / 'once'}"}
        self._pid = 0

    def falls_asleep(self) -> None:
        wait_for(lambda: any(self._beds.iterdir()), "a process at the place")
        (bed,) = self._beds.iterdir()
        self._pid = int(bed.name)
        os.kill(self._pid, signal.SIGSTOP)
        bed.unlink()

    def wakes(self, scene: Scene) -> None:
        """And says what came of it."""
        os.kill(self._pid, signal.SIGCONT)
        wait_for(lambda: NO_LONGER in scene.log(*SLEEPER).read_text(), "the sleeper's word")


@pytest.mark.exhaustive
@pytest.mark.fault("F22", "STOP to a child amid the split past its lease, CONT once the job has ended", "once")
@pytest.mark.parametrize("point", SPLIT)
def test_a_split_that_wakes_late_adds_nothing(scene: Scene, point: str) -> None:
    """Another one has gone on from the same row."""
    sleeper = Sleeper(scene.folder, point)
    with scene.running("scheduler"), scene.running(*SLEEPER, **sleeper.settings):
        work = scene.submit(rows=ROWS)
        sleeper.falls_asleep()
        with scene.running(*OTHER):
            work.wait()
            sleeper.wakes(scene)
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F60",
    "STOP to a child amid the finalize past its lease, CONT once a later job has replaced the output",
    "the later result stays as it is",
)
@pytest.mark.parametrize("point", FINALIZE)
def test_a_finalize_that_wakes_late_touches_no_later_result(scene: Scene, point: str) -> None:
    """It finds before each change to the folder that its lease is over."""
    sleeper = Sleeper(scene.folder, point)
    with scene.running("scheduler"), scene.running(*SLEEPER, **sleeper.settings):
        first = scene.submit(rows=ROWS)
        sleeper.falls_asleep()
        with scene.running(*OTHER):
            first.wait()
            later = scene.submit("--overwrite", rows=ROWS, chunk_rows=1_500)
            later.wait()
            sleeper.wakes(scene)
    later.prove()


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F55", "KILL to the scheduler amid the rescue of a lost lease", "the next scheduler rescues it; once"
)
def test_a_rescue_that_dies_is_done_by_the_next(scene: Scene, recovered: Callable[[float], None]) -> None:
    """Nothing of it is committed: the chunk is lost once, not twice."""
    lost = Sleeper(scene.folder, "score.read")
    with scene.running("scheduler", SCORING_FAILPOINTS="rescue.commit=kill") as scheduler:
        with scene.running(*SLEEPER, **lost.settings):
            work = scene.submit(rows=ROWS)
            lost.falls_asleep()
        assert -signal.SIGKILL == scheduler.wait(timeout=120)
    begun = time.monotonic()
    with scene.running("scheduler"), scene.running(*OTHER):
        work.wait_for_parts(1)
        recovered(time.monotonic() - begun)
        work.wait()
    assert ["worker_lost"] == [str(failure["error_code"]) for failure in work.failures()]
    work.prove()


def test_each_place_of_a_job_is_struck() -> None:
    """A place that is added is added to these tests."""
    assert {"rescue.commit"} == set(POINTS) - set(ALONE)
