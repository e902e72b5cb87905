"""Whose the broker is, looked at over a Redis that is made of Python."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import fakeredis
import pytest
import redis

from scoring.broker import DEPLOYMENT_KEY, DEPLOYMENT_SECONDS, sign_broker
from scoring.data.storage import store_id
from scoring.settings import load_settings
from tests.waiting import wait_for
from workers.scheduler import keep_signed

SOON = 60
"""Seconds until a sign ends that is to be renewed."""


@pytest.fixture
def broker() -> Iterator[str]:
    server = fakeredis.TcpFakeServer(("127.0.0.1", 0), server_type="redis")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"redis://127.0.0.1:{server.server_address[1]}/0"
    server.shutdown()


@pytest.fixture
def client(broker: str) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(broker) as client:
        yield client


def test_the_first_deployment_signs(broker: str, client: "redis.Redis") -> None:
    """Whoever comes later finds its id."""
    sign_broker(broker, "")
    sign_broker(broker, "first")
    sign_broker(broker, "second")
    assert b"first" == client.get(DEPLOYMENT_KEY)


@pytest.mark.parametrize(("signer", "renewed"), [("first", True), ("second", False)])
def test_a_sign_is_renewed_by_its_own_deployment_alone(
    broker: str, client: "redis.Redis", signer: str, renewed: bool
) -> None:
    """One that is no more is forgotten after a day, however long another one goes on."""
    client.set(DEPLOYMENT_KEY, "first", ex=SOON)
    sign_broker(broker, signer)
    assert renewed is (client.ttl(DEPLOYMENT_KEY) > SOON)
    assert b"first" == client.get(DEPLOYMENT_KEY)


def test_a_scheduler_goes_on_renewing(broker: str, client: "redis.Redis", tmp_path: Path) -> None:
    """A fleet that nobody starts anew is known as long as it runs, in a Redis that was emptied too."""
    mine = str(store_id(tmp_path, create=True)).encode()
    settings = replace(load_settings({}), broker_url=broker, store=tmp_path)
    stop = threading.Event()
    keep_signed(settings, stop, every_seconds=0.05)
    try:
        wait_for(lambda: mine == client.get(DEPLOYMENT_KEY), "the sign")
        client.expire(DEPLOYMENT_KEY, SOON)
        wait_for(lambda: client.ttl(DEPLOYMENT_KEY) > DEPLOYMENT_SECONDS // 2, "its renewal")
        client.flushall()
        wait_for(lambda: mine == client.get(DEPLOYMENT_KEY), "a sign anew")
    finally:
        stop.set()
