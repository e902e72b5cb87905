"""The bell over a broker that works; one that does not is in tests/faults."""

import subprocess
import sys

import pytest

from scoring.core.ids import JobId, StepId
from scoring.core.states import Priority, StepKind
from scoring.queue import CeleryBell, MessageRefused, message_of, step_of
from scoring.settings import EMBEDDED_BROKER

JOB = JobId("00000000000000ab")
STEPS = [StepId(JOB, StepKind.SCORE, chunk) for chunk in range(3)]


@pytest.mark.parametrize(
    "step",
    [STEPS[1], StepId(JobId("0123456789abcdef"), StepKind.SPLIT), StepId(JobId("0123456789abcdef"), StepKind.FINALIZE)],
)
def test_a_message_names_its_step(step: StepId) -> None:
    """What is rung is what is done."""
    assert step_of(message_of(step)) == step


GOOD = {"v": 1, "job": JOB, "kind": "score", "chunk": 0}


@pytest.mark.parametrize(
    "message",
    [
        None,
        "text",
        [],
        {},
        {**GOOD, "v": 2},  # a newer program's
        {**GOOD, "v": 0},  # an older one's
        {**GOOD, "kind": "dance"},
        {**GOOD, "kind": []},
        {**GOOD, "chunk": "0"},
        {**GOOD, "chunk": -1},  # score needs a chunk
        {**GOOD, "kind": "split"},  # split has none
        {**GOOD, "job": 7},
        {**GOOD, "job": "../../etc"},
        {**GOOD, "job": "0" * 2**20},
        {**GOOD, "chunk": 2**64},
    ],
)
def test_a_message_that_names_no_step_is_refused(message: object) -> None:
    """Garbage and other versions are refused in words, whatever their shape."""
    with pytest.raises(MessageRefused, match="expected"):
        step_of(message)


def test_each_priority_has_its_queue(unique_namespace: str) -> None:
    """What is rung at one priority waits in that queue alone."""
    bell = CeleryBell(EMBEDDED_BROKER, namespace=unique_namespace)
    assert bell.ring(STEPS, Priority.HIGH)
    assert [bell.depth(priority) for priority in Priority] == [3, 0, 0]


def test_nothing_to_ring_asks_nobody() -> None:
    """An empty list is rung on any broker, reachable or not."""
    assert CeleryBell("redis://host.invalid/0").ring([], Priority.NORMAL)


def test_an_unknown_host_is_an_answer_not_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    """The bell never raises: what could not be rung is said, and rung later."""
    bell = CeleryBell("redis://:hidden@host.invalid/0", deadline_seconds=10)
    assert bell.ring(STEPS, Priority.NORMAL) is False
    assert bell.depth(Priority.NORMAL) is None
    err = capsys.readouterr().err
    assert "3 messages of queue scoring.normal" in err
    assert "hidden" not in err


def test_importing_the_bell_loads_no_celery() -> None:
    """Commands that ring nothing must not pay for it."""
    code = "import sys, scoring.queue; sys.exit('celery' in sys.modules or 'kombu' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.fixture
def unique_namespace(request: pytest.FixtureRequest) -> str:
    return f"test.{request.node.name}"  # queues in memory live as long as the process
