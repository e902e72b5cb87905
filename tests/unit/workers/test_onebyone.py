"""Steps that may have killed a process are done one at a time."""

from threading import Event

import pytest

from scoring.core.ids import JobId, StepId
from scoring.core.states import StepKind
from workers import process
from workers.onebyone import one_by_one
from workers.process import Service, serving

JOB = JobId("00000000000000ab")
STEPS = [StepId(JOB, StepKind.SCORE, number) for number in range(3)]


class Bench:
    """Each step lasts until it is looked at, or told to end."""

    def __init__(self, most: int) -> None:
        self.halt = Event()
        self.begun = 0
        self.ended: list[StepId] = []
        self._looked = Event()
        self._most = most

    def service(self) -> Service:
        return Service(context=self._begin, stop=self.halt, answered=self.ended.append)

    def goes_on(self) -> bool:
        assert self.begun == len(self.ended) + 1
        self._looked.set()
        return self.begun < self._most

    def _begin(self) -> process.Context:
        self.begun += 1
        assert self._looked.wait(10)
        self._looked.clear()
        raise ConnectionError("it did what it could")


@pytest.mark.parametrize(("most", "done"), [(9, STEPS), (2, STEPS[:2])])
def test_each_is_alone_until_it_is_enough(most: int, done: list[StepId]) -> None:
    """At each look one step is in hand; told to stop, the process begins no further one."""
    bench = Bench(most)
    with serving(JOB, bench.service()):
        one_by_one(STEPS, bench.goes_on, bench.halt)
    assert (done, len(done) < len(STEPS)) == (bench.ended, bench.halt.is_set())


def test_an_error_while_it_is_looked_at_hands_the_step_back() -> None:
    """A second Ctrl-C, or a terminal that has gone: the step in hand is told before anybody waits for it."""
    halt, ended = Event(), Event()

    def begin() -> process.Context:
        assert halt.wait(10)
        ended.set()
        raise ConnectionError("handed back")

    def look() -> bool:
        raise KeyboardInterrupt

    with serving(JOB, Service(context=begin, stop=halt)), pytest.raises(KeyboardInterrupt):
        one_by_one(STEPS, look, halt)
    assert ended.is_set()
