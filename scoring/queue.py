"""The bell: tells workers that a step is due. Send-only; what is lost here is rung again from the ledger.

A message carries the step's id and a version, nothing else: ``{"v": 1, "job": …, "kind": …, "chunk": …}``.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

from scoring.core.ids import NO_CHUNK, JobId, StepId, is_job_id
from scoring.core.limits import MAX_CHUNKS
from scoring.core.states import Priority, StepKind
from scoring.telemetry import announce

if TYPE_CHECKING:
    from celery import Celery

STEP_TASK = "scoring.step"
"""Name of the one task; senders know it by name only."""

NAMESPACE = "scoring"
"""Queues are ``scoring.high``, ``scoring.normal`` and ``scoring.low``."""

KEY_PREFIX = "scoring:"
"""Stands before every key in Redis: another application on the same database does no harm."""

MESSAGE_VERSION = 1
DEADLINE_SECONDS = 3.0
"""Longest time for one call, whatever the broker does: a submit has 5 s for everything, its start included."""

SOCKET_SECONDS = 2.0
TELL_SECONDS = 60.0


class Bell(Protocol):
    """What the pipeline needs of a broker."""

    def ring(self, steps: Sequence[StepId], priority: Priority) -> bool:
        """Announce due steps. False: the broker did not take all of them (some may have arrived)."""

    def depth(self, priority: Priority) -> int | None:
        """Messages that wait in the queue; None: not known now."""


class MessageRefused(ValueError):
    """A message that names no step: of another version, of another application, or damaged."""


def message_of(step: StepId) -> dict[str, object]:
    return {"v": MESSAGE_VERSION, "job": step.job_id, "kind": step.kind.value, "chunk": step.chunk}


def step_of(message: object) -> StepId:
    """The step that a message names. Raises MessageRefused."""
    match message:
        case {"v": int(version), **_rest} if version != MESSAGE_VERSION:
            raise MessageRefused(f"expected version {MESSAGE_VERSION}; got {version}")
        case {"v": 1, "job": str(job), "kind": str(kind), "chunk": int(chunk)} if kind in set(StepKind):
            if (chunk >= 0) == (kind == StepKind.SCORE) and NO_CHUNK <= chunk < MAX_CHUNKS and is_job_id(job):
                return StepId(JobId(job), StepKind(kind), chunk)
    raise MessageRefused(f"expected v, job, kind and chunk; got {message!r}")


def queue_name(priority: Priority, namespace: str = NAMESPACE) -> str:
    return f"{namespace}.{priority}"


def transport_options(broker_url: str) -> dict[str, object]:
    """What both ends must agree on. Everything else is the end's own."""
    return {"global_keyprefix": KEY_PREFIX} if broker_url.startswith("redis") else {}


def celery_app(broker_url: str, **parts: object) -> "Celery":
    """A Celery application that talks to this broker alone, and keeps no results; parts: as Celery takes them.

    CELERY_BROKER_URL, CELERY_RESULT_BACKEND and their like, meant for another program of the host, would win over what
    is configured.
    """
    from celery import Celery

    app = Celery("scoring", broker=broker_url, set_as_current=False, **parts)
    app.backend_cls = "disabled"
    app.connection_for_read = partial(app.connection_for_read, broker_url)
    app.connection_for_write = partial(app.connection_for_write, broker_url)
    return app


class CeleryBell:
    """Rings by Celery message. Never raises, and never takes longer than its deadline.

    Each call runs in a thread of its own that is given up at the deadline: no setting of Celery, kombu or redis-py
    bounds a connect, a retry loop and a paused server together.
    """

    def __init__(
        self, broker_url: str, *, namespace: str = NAMESPACE, deadline_seconds: float = DEADLINE_SECONDS
    ) -> None:
        self._broker_url = broker_url
        self._namespace = namespace
        self._deadline = deadline_seconds
        self._turn = threading.Lock()
        self._sender: _Sender | None = None
        self._told: float | None = None
        self._given_up: threading.Thread | None = None

    def ring(self, steps: Sequence[StepId], priority: Priority) -> bool:
        queue = queue_name(priority, self._namespace)
        messages = [message_of(step) for step in steps]
        return not messages or self._ask(lambda sender: sender.send(queue, messages), queue, len(messages)) is not None

    def depth(self, priority: Priority) -> int | None:
        queue = queue_name(priority, self._namespace)
        return self._ask(lambda sender: sender.depth(queue), queue, 0)

    def _ask(self, question: Callable[["_Sender"], int], queue: str, messages: int) -> int | None:
        """Answer of the broker within the deadline, or None."""
        ends = time.monotonic() + self._deadline
        if not self._turn.acquire(timeout=self._deadline):
            return None
        try:
            if self._given_up is not None and self._given_up.is_alive():
                return None
            call = _Call(question, self._sender or _Sender(self._broker_url))
            call.join(max(0.0, ends - time.monotonic()))
            self._given_up = call if call.is_alive() else None
            self._sender = None if call.answer is None else call.sender
        finally:
            self._turn.release()
        self._tell(call, queue, messages)
        return call.answer

    def _tell(self, call: "_Call", queue: str, messages: int) -> None:
        """One line when the broker goes, and one a minute while it is away."""
        if call.answer is not None:
            self._told = None
        elif self._told is None or time.monotonic() - self._told >= TELL_SECONDS:
            self._told = time.monotonic()
            announce("broker.away", queue=queue, messages=messages, error=call.error or "no answer in time")


class _Call(threading.Thread):
    """One question to the broker. A daemon: a hanging one must not keep the process alive."""

    def __init__(self, question: Callable[["_Sender"], int], sender: "_Sender") -> None:
        super().__init__(name="bell", daemon=True)
        self._question = question
        self.sender = sender
        self.answer: int | None = None
        self.error = ""
        self.start()

    def run(self) -> None:
        try:
            self.answer = self._question(self.sender)
        except Exception as error:  # noqa: BLE001  # whatever the client raises: the broker did not take it
            self.error = str(error) or type(error).__name__
            self.sender.close()


class _Sender:
    """One connection to the broker, opened at first use, closed after the first error."""

    def __init__(self, broker_url: str) -> None:
        # Here, not in the call's thread: the first import takes 0.2 s, and belongs to no deadline.
        self._app = celery_app(broker_url)
        options = {
            **transport_options(broker_url),
            "socket_connect_timeout": SOCKET_SECONDS,
            "socket_timeout": SOCKET_SECONDS,
            # Without it kombu tries to connect for ever, below `retry=False` of send_task.
            "max_retries": 0,
        }
        self._connection = self._app.connection_for_write(transport_options=options, connect_timeout=SOCKET_SECONDS)
        self._producer = None

    def send(self, queue: str, messages: Sequence[Mapping[str, object]]) -> int:
        if self._producer is None:
            self._producer = self._app.amqp.Producer(self._connection)
        for message in messages:
            self._app.send_task(
                STEP_TASK, args=[message], queue=queue, producer=self._producer, retry=False, ignore_result=True
            )
        return len(messages)

    def depth(self, queue: str) -> int:
        # Not passive: on Redis kombu looks for an existing queue without the key prefix, and finds none.
        declared = self._connection.default_channel.queue_declare(queue=queue, durable=True, auto_delete=False)
        return int(declared.message_count)

    def close(self) -> None:
        self._producer = None
        self._connection.release()
