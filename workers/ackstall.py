"""Mends a consumer that an outage of Redis has left deaf.

Where the connection breaks while a message is being acknowledged, Celery swallows the error and kombu goes on counting
the message as delivered. With every slot counted so, the consumer never asks for another message, and as it never uses
its connection it never finds out that this is gone.
"""

from typing import Any

from celery import bootsteps
from celery.worker import state

LOOK_SECONDS = 2.0
LOOKS = 2
"""A message may be counted and not yet reserved for a moment: only what lasts for two looks is stuck."""


class AckStall(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery is untyped
    """Compares the messages that the broker's channel counts as delivered with those that the worker has in hand."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, consumer: Any) -> None:
        self._stuck = 0
        self._timer = consumer.timer.call_repeatedly(LOOK_SECONDS, self._look, (consumer,))

    def stop(self, consumer: Any) -> None:
        if getattr(self, "_timer", None) is not None:
            self._timer.cancel()

    def _look(self, consumer: Any) -> None:
        qos = getattr(consumer.task_consumer.channel, "qos", None)
        if qos is None or not hasattr(qos, "_delivered"):
            return  # RabbitMQ counts on its own side, and closes the channel with the connection
        counted = len(qos._delivered) - len(qos._dirty)
        self._stuck = self._stuck + 1 if counted > len(state.reserved_requests) else 0
        if self._stuck >= LOOKS:
            # The consumer takes it for what it is, a lost connection, and connects anew with clean counts.
            raise ConnectionResetError("an acknowledgement was lost with its connection")
