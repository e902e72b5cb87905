"""The door by which messages come in from Redis: doorbells pass, all else is dropped with one line of the log.

Kombu itself trusts what lies in a queue: a text that is no JSON, or an envelope that lacks a field, throws the worker
out of its loop; a delay or a chain written into an envelope is obeyed.
"""

import base64
import json
from queue import Empty
from typing import Any

from kombu.transport import redis

from scoring.core.ids import StepId
from scoring.queue import STEP_TASK, MessageRefused, step_of
from scoring.telemetry import announce

SHOWN = 200
"""Characters of a refused message that stand in the log."""

_TIMED = ("eta", "expires", "timelimit")


class _Channel(redis.Channel):
    """Reads on where kombu cannot make sense of what it has read."""

    def _brpop_read(self, **options: Any) -> Any:
        door = self.connection
        door.opened = False
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]  # kombu is untyped
        except (Empty, *door.connection_errors, *door.channel_errors):
            raise
        except Exception as error:
            if door.opened:
                raise  # from Celery: the message itself is sound
            _refuse(f"expected JSON; got {error}")
            return True


class Door(redis.Transport):
    """Kombu's transport, with a look at each message before anybody believes it."""

    Channel = _Channel
    # Whether the message that is being read has passed.
    opened = False

    def _deliver(self, message: object, queue: str) -> None:
        try:
            step_rung_for(message)
        except MessageRefused as error:
            _refuse(str(error))
            return
        self.opened = True
        super()._deliver(message, queue)  # type: ignore[no-untyped-call]  # as above


def step_rung_for(envelope: object) -> StepId:
    """The step that an envelope of kombu rings for, where it asks for nothing else. Raises MessageRefused."""
    match envelope:
        case {
            "content-type": "application/json",
            "content-encoding": "utf-8",
            "headers": {"task": task, "id": str()} as headers,
            "properties": {
                "delivery_tag": str(),
                "body_encoding": "base64",
                "delivery_info": {"exchange": str(), "routing_key": str()},
            },
            "body": str(body),
        } if task == STEP_TASK and not any(_asks(headers.get(name)) for name in _TIMED):
            return step_of(_argument(body))
    raise MessageRefused(f"expected an envelope of {STEP_TASK} in JSON, due at once; got {envelope!r}")


def _argument(body: str) -> object:
    """The first argument of the call in a message's body. Raises MessageRefused."""
    try:
        call = json.loads(base64.b64decode(body))
    except (ValueError, RecursionError) as error:
        raise MessageRefused(f"expected base64 of JSON; got {error}") from None
    match call:
        case [[argument], dict(named), dict(further)] if not named and not any(map(_asks, further.values())):
            return argument
    raise MessageRefused(f"expected one argument and no further calls; got {call!r}")


def _asks(value: object) -> bool:
    """Celery sends a pair of nulls for time limits that are not set."""
    return value is not None and value != [None, None]


def _refuse(reason: str) -> None:
    announce("message.refused", reason=reason if len(reason) <= SHOWN else f"{reason[:SHOWN]} …")
