"""A process that sleeps past its lease at a job's own step, and wakes when the job, and its output, are another's."""

import os
import signal
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


def test_each_place_of_a_job_is_struck() -> None:
    """A place that is added is added to these tests."""
    elsewhere = set(POINTS) - set(ALONE)
    assert {"rescue.commit"} == elsewhere
    assert {*SPLIT, *FINALIZE} <= set(POINTS)
