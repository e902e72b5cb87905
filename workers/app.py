"""The Celery application: options as one table, a reason beside each."""

from collections.abc import Sequence
from typing import NamedTuple

from celery import Celery, signals

from scoring.core.states import Priority
from scoring.queue import NAMESPACE, STEP_TASK, celery_app, queue_name, transport_options
from scoring.settings import EMBEDDED_BROKER


class Option(NamedTuple):
    name: str
    value: object
    reason: str


OPTIONS = (
    Option("task_serializer", "json", "a message is data, never code"),
    Option("accept_content", ["json"], "as above, for what others put into the queue"),
    Option("result_backend", "disabled", "the ledger holds every outcome"),
    Option("task_ignore_result", True, "as above"),
    Option("task_acks_late", True, "a message of a worker that dies comes back before the lease ends"),
    Option("task_acks_on_failure_or_timeout", True, "what failed is a row; the message has done its work"),
    Option("task_reject_on_worker_lost", False, "True re-queues without limit; the ledger counts failures"),
    Option("worker_prefetch_multiplier", 1, "a chunk that waits behind a long one is lost time"),
    Option("worker_enable_remote_control", False, "no second way in; no fanout traffic"),
    Option("worker_send_task_events", False, "progress is a view of the ledger"),
    Option("worker_hijack_root_logger", False, "log lines are made in scoring.telemetry"),
    Option("worker_redirect_stdouts", False, "as above"),
    Option("worker_cancel_long_running_tasks_on_connection_loss", False, "a chunk in hand needs no broker to commit"),
    Option("worker_proc_alive_timeout", 60.0, "a child on a loaded host starts slowly; four seconds kill it for ever"),
    Option("broker_connection_retry_on_startup", True, "workers may start before the broker"),
    Option("broker_connection_max_retries", None, "an outage of any length ends by itself"),
)

SOCKET_SECONDS = 10.0
"""A broker that is silent for so long is taken for gone: with the way back, well within half a minute."""

TRANSPORT = (
    Option("queue_order_strategy", "priority", "the queue named first is emptied first"),
    Option("visibility_timeout", 12 * 3600, "lost messages are rung again from the ledger, not by Redis"),
    Option("socket_timeout", SOCKET_SECONDS, "a half-open connection is noticed"),
    Option("socket_connect_timeout", 5.0, "as above, while connecting"),
    Option("socket_keepalive", True, "a firewall must not forget an idle worker"),
    Option("health_check_interval", 25, "as socket_timeout, while nothing is due"),
)

EMBEDDED_PREFETCH = 4
"""Messages per thread in memory: hides the polling pause, and nobody else could take them."""

EMBEDDED_POLLING_SECONDS = 0.01


def deployed_app(broker_url: str) -> Celery:
    """For a worker process of a deployment: many hosts share the broker."""
    app = _app(broker_url, amqp="workers.connection:Amqp")
    transport = {option.name: option.value for option in TRANSPORT} if broker_url.startswith("redis") else {}
    app.conf.broker_transport_options = {**transport, **transport_options(broker_url)}
    return app


def embedded_app() -> Celery:
    """For a worker in this process, over queues in its memory."""
    app = _app(EMBEDDED_BROKER)
    app.conf.worker_prefetch_multiplier = EMBEDDED_PREFETCH
    app.conf.broker_transport_options = {"polling_interval": EMBEDDED_POLLING_SECONDS}
    return app


def keep_the_doorbell_alone(app: Celery) -> None:
    """Celery brings tasks of its own, such as chords and maps, and a message may name any of them.

    To be called once the worker has loaded its tasks.
    """
    for name in set(app.tasks) - {STEP_TASK}:
        app.tasks.unregister(name)


def queue_names(priorities: Sequence[Priority] = tuple(Priority), namespace: str = NAMESPACE) -> list[str]:
    """In the order of their urgency, whatever order was asked for."""
    return [queue_name(priority, namespace) for priority in Priority if priority in priorities]


def _app(broker_url: str, **parts: str) -> Celery:
    app = celery_app(broker_url, include=["workers.tasks"], **parts)
    app.conf.update({option.name: option.value for option in OPTIONS})
    return app


@signals.setup_logging.connect
def _keep_our_logging(**_: object) -> None:
    """That somebody answers this signal keeps Celery from setting up logging of its own."""
