"""Clocks that disagree, and time that passes while nobody looks: leases go by the ledger's clock alone."""

import os
import signal
from collections.abc import Callable

import pytest

from tests.faults.scene import Scene
from tests.faults.worker.hold import Hold
from tests.waiting import wait_for

SHIFTED = """
import os, time
shift = float(os.environ["CLOCK_SHIFT"])
seconds, nanoseconds = time.time, time.time_ns
time.time = lambda: seconds() + shift
time.time_ns = lambda: nanoseconds() + int(shift * 1e9)
"""
"""Run by Python before anything else: all of the process, Celery and kombu too, reads the wall clock so."""

SLOW = {"SCORING_FAILPOINTS": "score.read=pause:0.1"}


@pytest.fixture
def shifted(scene: Scene) -> Callable[[int], dict[str, str]]:
    """Settings of a process whose wall clock is wrong by so many seconds."""
    folder = scene.folder / "shifted"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(SHIFTED)
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    return lambda seconds: {"PYTHONPATH": path, "CLOCK_SHIFT": str(seconds)}


@pytest.mark.exhaustive
@pytest.mark.fault("F34", "Python's wall clock 1 h ahead on one worker, 1 h behind on another", "no effect")
def test_wrong_wall_clocks_have_no_effect(scene: Scene, shifted: Callable[[int], dict[str, str]]) -> None:
    """No lease is taken too early nor kept too long, wherever the clocks stand: no attempt is lost."""
    with (
        scene.running("scheduler", **shifted(-3_600)),
        scene.running("worker", "--concurrency", 1, **SLOW, **shifted(3_600)),
        scene.running("worker", "--concurrency", 2, **SLOW, **shifted(-3_600)),
    ):
        work = scene.submit()
        work.wait()
    assert [] == work.failures()
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F34", "STOP to worker and scheduler for two leases (1 h scaled down), CONT", "no attempt is counted"
)
def test_a_machine_that_was_asleep_burns_no_budget(
    scene: Scene, hold: Callable[..., Hold], recovered: Callable[[float], None]
) -> None:
    """All leases have run out meanwhile, and nobody is taken for dead: the scheduler watches a whole lease first."""
    moment = hold("score.read#3")
    overdue = f"SELECT count(*) FROM steps WHERE lease_until < (SELECT {CLOCK} - %s)"
    with (
        scene.running("scheduler") as scheduler,
        scene.running("worker", "--concurrency", 1, **moment.settings) as worker,
    ):
        work = scene.submit()
        moment.pid()
        for process in (scheduler, worker):
            os.killpg(process.pid, signal.SIGSTOP)
        moment.let_go()
        wait_for(lambda: scene.sql(overdue, int(scene.lease_seconds * 1e6)) != [(0,)], "a lease that is long over")
        for process in (worker, scheduler):
            os.killpg(process.pid, signal.SIGCONT)
        recovered(work.recovery())
        work.wait()
    assert [] == work.failures()
    work.prove()


CLOCK = "(extract(epoch from clock_timestamp()) * 1000000)::bigint"
"""The ledger's."""
