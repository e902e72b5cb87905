"""What lies in Redis after a ring, looked at over a Redis that is made of Python."""

import base64
import json
import threading
from collections.abc import Iterator

import fakeredis
import pytest
import redis

from scoring.core.ids import JobId, StepId
from scoring.core.states import Priority, StepKind
from scoring.queue import KEY_PREFIX, CeleryBell

STEP = StepId(JobId("00c0ffee00c0ffee"), StepKind.SCORE, 3)


@pytest.fixture
def broker() -> Iterator[str]:
    server = fakeredis.TcpFakeServer(("127.0.0.1", 0), server_type="redis")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"redis://127.0.0.1:{server.server_address[1]}/0"
    server.shutdown()


def test_a_message_is_json_and_holds_ids_alone(broker: str) -> None:
    """Whoever reads the queue learns the step's id, and whoever writes to it can name nothing else."""
    assert CeleryBell(broker).ring([STEP], Priority.HIGH)
    with redis.Redis.from_url(broker) as client:
        (raw,) = client.lrange(f"{KEY_PREFIX}scoring.high", 0, -1)
        keys = client.keys()
    message = json.loads(raw)
    (payload,), named, _ = json.loads(base64.b64decode(message["body"]))
    assert "application/json" == message["content-type"]
    assert ({"v": 1, "job": STEP.job_id, "kind": "score", "chunk": 3}, {}) == (payload, named)
    assert all(key.startswith(KEY_PREFIX.encode()) for key in keys), keys
