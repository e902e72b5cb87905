"""Celery gets the options that the table lists, and knows each of them."""

from collections.abc import Callable

import pytest
from celery import Celery
from celery.app.defaults import DEFAULTS
from celery.backends.base import DisabledBackend
from kombu.transport.redis import Channel

from scoring.core.states import Priority
from scoring.queue import STEP_TASK
from workers.app import OPTIONS, TRANSPORT, deployed_app, embedded_app, keep_the_doorbell_alone, queue_names


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_option_is_known_and_reasoned(option: object) -> None:
    """A misspelt option would be ignored in silence."""
    assert option.name in DEFAULTS
    assert option.reason


@pytest.mark.parametrize("option", TRANSPORT, ids=lambda option: option.name)
def test_every_transport_option_is_known(option: object) -> None:
    """As above, for what kombu reads."""
    assert option.name in Channel.from_transport_options


def test_both_apps_carry_the_table() -> None:
    """Embedded and deployed differ in the transport and the prefetch, in nothing else."""
    deployed, embedded = deployed_app("redis://h/0"), embedded_app()
    differing = {o.name for o in OPTIONS if deployed.conf[o.name] != embedded.conf[o.name]}
    assert differing == {"worker_prefetch_multiplier"}
    assert {o.name: deployed.conf[o.name] for o in OPTIONS} == {o.name: o.value for o in OPTIONS}


def test_redis_keys_bear_our_prefix() -> None:
    """Another application on the same database does no harm; other brokers get no Redis options."""
    assert deployed_app("redis://h/0").conf.broker_transport_options["global_keyprefix"] == "scoring:"
    assert deployed_app("amqp://h").conf.broker_transport_options == {}


def test_queues_stand_in_the_order_of_their_urgency() -> None:
    """The transport empties them in this order."""
    assert queue_names((Priority.LOW, Priority.HIGH)) == ["scoring.high", "scoring.low"]
    assert queue_names(namespace="x") == ["x.high", "x.normal", "x.low"]


@pytest.mark.parametrize("make", [lambda: deployed_app("redis://ours/0"), embedded_app])
def test_the_environment_of_another_celery_program_is_not_heeded(
    make: Callable[[], Celery], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables that Celery itself reads turn neither to another broker nor to a store of results."""
    for name in ("BROKER_URL", "BROKER_READ_URL", "BROKER_WRITE_URL", "RESULT_BACKEND"):
        monkeypatch.setenv(f"CELERY_{name}", "redis://theirs/7")
    app = make()
    assert "theirs" not in {app.connection_for_read().hostname, app.connection_for_write().hostname}
    assert isinstance(app.backend, DisabledBackend)


def test_no_task_but_the_doorbell_can_be_named() -> None:
    """Chords, groups and maps of Celery's own are not there for whoever writes into the queue."""
    app = deployed_app("redis://h/0")
    app.loader.import_default_modules()
    assert "celery.map" in app.tasks
    keep_the_doorbell_alone(app)
    assert {STEP_TASK} == set(app.tasks)
    assert ["json"] == app.conf.accept_content
