"""A sound doorbell passes the door; what has more or less to say than that does not. All of it: tests/faults/broker."""

import json

import pytest

from scoring.core.ids import JobId, StepId
from scoring.core.states import StepKind
from scoring.queue import MessageRefused
from tests.faults.broker.envelopes import NOBODYS, envelope, headers
from workers.door import step_rung_for


def test_a_doorbell_passes() -> None:
    """The door reads the step that was rung for, whatever else Celery notes in the headers."""
    sound = json.loads(envelope(NOBODYS, headers=headers(origin="gen1@host", retries=0, expires=None)))
    assert StepId(JobId("00c0ffee00c0ffee"), StepKind.SCORE, 0) == step_rung_for(sound)


@pytest.mark.parametrize(
    "message",
    [
        envelope(NOBODYS, content_type="application/x-python-serialize"),
        envelope(NOBODYS, headers=headers(task="celery.backend_cleanup")),
        envelope(NOBODYS, headers=headers(eta="2999-01-01T00:00:00+00:00")),  # would lie in the worker's memory
        envelope(NOBODYS, headers=headers(timelimit=[1, None])),
        envelope(NOBODYS, further={"chain": [{"task": "x"}]}),  # would be sent on
        envelope(NOBODYS, named={"path": "/etc/passwd"}),
        envelope(NOBODYS, properties={}),
        envelope(body="?"),
        envelope(),
        "[]",
    ],
)
def test_what_asks_for_more_or_less_is_refused(message: str) -> None:
    """In words that say what a doorbell is."""
    with pytest.raises(MessageRefused, match="expected"):
        step_rung_for(json.loads(message))
