"""The worker inside a process takes what is rung, as many at a time as it has slots, and stops when told."""

import threading

import pytest

from scoring.core.errors import ScoringError
from scoring.core.ids import JobId, StepId
from scoring.core.states import Priority, StepKind
from scoring.pipeline.context import Context
from scoring.queue import CeleryBell
from scoring.settings import EMBEDDED_BROKER
from workers.memory import MemoryWorker, memory_worker
from workers.process import Service, serving

LEFT, RIGHT = "000000000000001e", "0000000000000019"
SECONDS = 20
"""Far more than needed: a deadline, not a pause."""


def steps(job: str, count: int) -> list[StepId]:
    return [StepId(JobId(job), StepKind.SCORE, chunk) for chunk in range(count)]


class Meeting:
    """A door that opens once `slots` steps stand before it at the same time."""

    def __init__(self, slots: int, count: int) -> None:
        self.barrier = threading.Barrier(slots)
        self.answered: list[StepId] = []
        self.all = threading.Event()
        self._count = count

    def service(self) -> Service:
        return Service(context=self._meet, stop=threading.Event(), answered=self._note)

    def _meet(self) -> Context:
        self.barrier.wait(SECONDS)
        raise ConnectionError("far enough")

    def _note(self, step: StepId) -> None:
        self.answered.append(step)
        if len(self.answered) == self._count:
            self.all.set()


def test_slots_steps_run_at_a_time_and_each_once() -> None:
    """Two slots do four steps in two pairs, and again in a second worker of the same process."""
    for job in ("00000000000000a1", "00000000000000a2"):
        meeting = Meeting(slots=2, count=4)
        with serving(JobId(job), meeting.service()), memory_worker(job, 2) as worker:
            assert CeleryBell(EMBEDDED_BROKER, namespace=job).ring(steps(job, 4), Priority.NORMAL)
            assert meeting.all.wait(SECONDS)
            worker.check()
        assert sorted(meeting.answered) == steps(job, 4)


def test_two_workers_in_one_process_do_not_take_each_others_steps() -> None:
    """Queues in memory belong to the process; each run has its own names."""
    left, right = Meeting(slots=1, count=3), Meeting(slots=1, count=3)
    with (
        serving(JobId(LEFT), left.service()),
        serving(JobId(RIGHT), right.service()),
        memory_worker(LEFT, 1),
        memory_worker(RIGHT, 1),
    ):
        CeleryBell(EMBEDDED_BROKER, namespace=LEFT).ring(steps(LEFT, 3), Priority.LOW)
        CeleryBell(EMBEDDED_BROKER, namespace=RIGHT).ring(steps(RIGHT, 3), Priority.HIGH)
        assert left.all.wait(SECONDS)
        assert right.all.wait(SECONDS)
    assert (sorted(left.answered), sorted(right.answered)) == (steps(LEFT, 3), steps(RIGHT, 3))


def test_a_stopped_worker_leaves_no_thread() -> None:
    """A program that calls `scoring.run` a hundred times has as many threads as before."""
    before = set(threading.enumerate())
    with memory_worker("leaves", 2):
        pass
    assert set(threading.enumerate()) <= before


def test_a_worker_that_has_ended_is_noticed() -> None:
    """The command must not wait for ever."""
    worker = MemoryWorker("ended", 1)
    worker.start()
    worker.check()
    worker.stop()
    with pytest.raises(ScoringError, match="has ended"):
        worker.check()
