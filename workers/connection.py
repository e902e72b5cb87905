"""The worker's connection to the broker: how soon it comes back, and by which door messages come in."""

from typing import Any

from celery.app.amqp import AMQP
from kombu import connection

RETRY_SECONDS = 5.0
"""Longest pause between two tries to connect. Kombu's own grows to 30 s, which is all that a restart may cost."""


class Connection(connection.Connection):
    """Kombu's, but for two habits that Celery has no setting for."""

    def get_transport_cls(self) -> Any:
        transport = super().get_transport_cls()  # type: ignore[no-untyped-call]  # kombu is untyped
        if transport.driver_type != "redis":
            return transport  # RabbitMQ knows no broken envelopes
        # Here, not above: the redis client is no business of those who use another broker.
        from workers.door import Door

        return Door

    def _ensure_connection(self, *arguments: Any, **named: Any) -> Any:
        patience = {"interval_max": RETRY_SECONDS, **named}
        return super()._ensure_connection(*arguments, **patience)  # type: ignore[no-untyped-call]  # as above


class Amqp(AMQP):  # type: ignore[misc]  # Celery is untyped
    """What Celery asks for connections."""

    Connection = Connection
