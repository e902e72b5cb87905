"""A broker that forgets: emptied, or killed and back with nothing."""

from collections.abc import Callable

import pytest

from tests.faults.broker.fleet import altered, fleet, recovery, rung
from tests.faults.scene import Scene

AGAIN_SECONDS = 10
BACK_SECONDS = 30
THIRD = 6


@pytest.mark.fault("F1", "FLUSHALL at a third of the job", "the lost messages are rung again, whatever the lease")
@pytest.mark.parametrize("lease_seconds", [3, pytest.param(60, marks=pytest.mark.exhaustive)])
def test_an_emptied_queue_is_rung_again(scene: Scene, lease_seconds: int, recovered: Callable[[float], None]) -> None:
    """Ten seconds after FLUSHALL chunks run whose messages it took; no attempt is lost."""
    scene = altered(scene, SCORING_LEASE_SECONDS=str(lease_seconds))
    with fleet(scene):
        work = scene.submit()
        work.wait_for_parts(THIRD)
        with scene.servers.redis.client() as client:
            lost = rung(work)
            client.flushall()
        seconds = recovery(work, lost)
        work.wait()
    recovered(seconds)
    assert AGAIN_SECONDS >= seconds
    assert [] == work.failures()
    work.prove()


@pytest.mark.fault("F2", "KILL to Redis five times, each time back with nothing", "workers go on by themselves")
@pytest.mark.exhaustive
def test_a_broker_that_dies_again_and_again_is_followed(scene: Scene, recovered: Callable[[float], None]) -> None:
    """Within 30 s of the last restart chunks run whose messages were lost; no attempt is lost."""
    redis = scene.servers.redis
    with fleet(scene):
        work = scene.submit(rows=60_000)
        for death in range(5):
            work.wait_for_parts(2 * (death + 1))
            lost = rung(work)
            redis.kill()
            redis.start()
        seconds = recovery(work, lost)
        work.wait()
    recovered(seconds)
    assert BACK_SECONDS >= seconds
    assert [] == work.failures()
    work.prove()
