"""Celery gets the options that the table lists, and knows each of them."""

import pytest
from celery.app.defaults import DEFAULTS
from kombu.transport.redis import Channel

from scoring.core.states import Priority
from workers.app import OPTIONS, TRANSPORT, deployed_app, embedded_app, queue_names


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
