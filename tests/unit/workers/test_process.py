"""A doorbell is answered by whoever serves its job, and never ends the worker."""

from threading import Event

import pytest

from scoring.core.ids import JobId, StepId
from scoring.core.states import StepKind
from scoring.queue import STEP_TASK, message_of
from workers import process, tasks
from workers.app import embedded_app
from workers.process import Service, serving

JOB = JobId("00000000000000ab")
STEP = StepId(JOB, StepKind.SPLIT)


class Doors:
    """Counts who was asked; its context is away, as a ledger may be."""

    def __init__(self) -> None:
        self.opened = 0
        self.answered: list[StepId] = []

    def service(self, stop: Event | None = None) -> Service:
        return Service(context=self._open, stop=stop or Event(), answered=self.answered.append)

    def _open(self) -> process.Context:
        self.opened += 1
        raise ConnectionError("the ledger is away")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        (None,),
        ("{}",),
        ({"v": 0, "job": JOB, "kind": "split", "chunk": -1},),  # left in the queue by an older version
        (message_of(STEP), "more"),
    ],
)
def test_the_task_takes_any_message(arguments: tuple[object, ...]) -> None:
    """Whatever lies in the queue, the task ends without an error."""
    app = embedded_app()
    assert app.loader.import_task_module("workers.tasks")
    app.tasks[STEP_TASK](*arguments, surprise=1)


def test_a_refused_message_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """It is dropped with one line."""
    process.answer({"v": 9})
    assert capsys.readouterr().err.count("dropped: expected version 1; got 9\n") == 1


def test_an_error_of_the_step_stays_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    """An exception becomes a line; the next message finds a worker that lives."""
    doors = Doors()
    with serving(JOB, doors.service()):
        process.answer(message_of(STEP))
    assert doors.answered == [STEP]
    assert "ConnectionError: the ledger is away" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("served", "opened"),
    [
        (JOB, 1),  # its own job
        (JobId("00000000000000cd"), 0),  # another run in the same process
        (None, 1),  # the fleet takes all jobs
    ],
)
def test_a_run_keeps_to_its_own_job(served: JobId | None, opened: int) -> None:
    """Two embedded runs in one process never answer for each other."""
    doors = Doors()
    with serving(served, doors.service()):
        process.answer(message_of(STEP))
    assert doors.opened == opened


def test_after_the_stop_messages_are_left_alone() -> None:
    """A process that is ending begins nothing: the step stays due, and is rung again."""
    doors, stop = Doors(), Event()
    stop.set()
    with serving(JOB, doors.service(stop)):
        process.answer(message_of(STEP))
    assert doors.opened == 0


def test_the_task_bears_the_name_that_senders_use() -> None:
    """Senders know the name only."""
    assert tasks.step.name == STEP_TASK
