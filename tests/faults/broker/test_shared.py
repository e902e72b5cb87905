"""A Redis that serves another program as well."""

import pytest

from scoring.broker import DEPLOYMENT_KEY
from scoring.core.states import Priority
from scoring.queue import queue_name
from tests.faults.broker.fleet import WORKER, fleet, lines, odd_process
from tests.faults.scene import Scene
from tests.servers import RedisServer
from tests.waiting import wait_for


@pytest.mark.fault(
    "F14", "a foreign worker on the same database: same queue and task, 1 s visibility", "it gets nothing of ours"
)
@pytest.mark.exhaustive
def test_a_foreign_worker_on_the_same_database_takes_nothing(scene: Scene) -> None:
    """Our keys bear our prefix: its short visibility timeout does not re-queue our messages, nor do we take its."""
    url, log = scene.program.settings["SCORING_BROKER_URL"], scene.folder / "foreign.log"
    with odd_process(scene, log, "foreign.py", url, queue_name(Priority.NORMAL)):
        wait_for(lambda: "ready" in log.read_text(), "the foreign worker")
        with fleet(scene):
            work = scene.submit()
            work.wait()
    assert "foreign: got" not in log.read_text()
    assert [] == work.failures()
    work.prove()


@pytest.mark.fault("F14", "another deployment has signed the same database", "a worker's start and doctor warn of it")
@pytest.mark.exhaustive
def test_a_second_deployment_on_the_same_database_is_warned_of(scene: Scene) -> None:
    """Both name it; the first deployment, which has signed, is not warned of itself."""
    redis = scene.servers.redis
    with scene.running(*WORKER):
        wait_for(lambda: _signature(redis), "the worker's signature")
        assert [] == _warnings(scene)
    with redis.client() as client:
        client.set(DEPLOYMENT_KEY, "another")
    assert ["warning"] == [check["status"] for check in _warnings(scene)]
    with scene.running(*WORKER):
        wait_for(lambda: lines(scene, "deployment another"), "the worker's warning")


def _signature(redis: RedisServer) -> bytes | None:
    with redis.client() as client:
        signature: bytes | None = client.get(DEPLOYMENT_KEY)
        return signature


def _warnings(scene: Scene) -> list[dict[str, str]]:
    return [check for check in scene.program.json("doctor")["checks"] if "same database" in check["message"]]
