"""Messages as they lie in Redis, sound and unsound."""

import base64
import json
from collections.abc import Sequence
from typing import Any

from scoring.core.states import Priority
from scoring.queue import KEY_PREFIX, STEP_TASK, queue_name
from tests.servers import RedisServer

QUEUE = f"{KEY_PREFIX}{queue_name(Priority.NORMAL)}"

NOBODYS = {"v": 1, "job": "00c0ffee00c0ffee", "kind": "score", "chunk": 0}
"""The payload of a sound message, for a job that there is not."""


def envelope(*arguments: object, named: object = None, further: object = None, **changed: Any) -> str:
    """What Celery sends for a call with these arguments; changed: fields of the envelope, by their names in Python."""
    message: dict[str, Any] = {
        "body": base64.b64encode(json.dumps([arguments, named or {}, further or {}]).encode()).decode(),
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {"lang": "py", "task": STEP_TASK, "id": "1", "eta": None, "timelimit": [None, None]},
        "properties": {
            "delivery_tag": "1",
            "body_encoding": "base64",
            "delivery_info": {"exchange": "", "routing_key": queue_name(Priority.NORMAL)},
        },
    }
    return json.dumps(message | {name.replace("_", "-"): value for name, value in changed.items()})


def headers(**changed: object) -> dict[str, object]:
    """The headers of a sound message with some of them changed."""
    return {**json.loads(envelope())["headers"], **changed}


def push(redis: RedisServer, messages: Sequence[str | bytes]) -> None:
    """Put messages into the queue of normal jobs, to be read in this order."""
    with redis.client() as client:
        client.lpush(QUEUE, *messages)
