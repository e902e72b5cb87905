"""The server breaks connections, crashes, or stays away: the job waits for it, and burns no attempt."""

import time
from collections.abc import Callable

import pytest

from tests.faults.proxy import TcpProxy
from tests.faults.scene import Scene
from tests.faults.worker.hold import Hold
from tests.waiting import wait_for

SLOW = {"SCORING_FAILPOINTS": "score.read=pause:0.1"}
VICTIM = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'scoring'"
    " ORDER BY random() LIMIT 1"
)
CHUNK = 3
"""The chunk that meets the fault."""

BEAT = 0.2
"""Seconds between two connections that are cut."""

Recovered = Callable[[float], None]


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F39", "`pg_terminate_backend` on one connection every 0.2 s during a job of 15 s", "no attempt fails, once"
)
def test_connections_that_are_cut_at_random_cost_no_attempt(scene: Scene) -> None:
    """Of workers, scheduler and whoever asks: each opens another one and goes on."""
    slow = {"SCORING_FAILPOINTS": "score.read=pause:0.3"}
    with scene.running("scheduler"), scene.running("worker", "--concurrency", 2, **slow):
        work = scene.submit(rows=100_000)
        while work.done() < 100:
            scene.sql(VICTIM)
            time.sleep(BEAT)
        work.wait()
    assert [] == work.failures()
    work.prove()


@pytest.mark.fault("F40", "`pg_ctl stop -m immediate` amid a job, then start", "no attempt fails, once")
def test_a_crash_of_the_server_costs_no_attempt(scene: Scene, recovered: Recovered) -> None:
    """Within 30 s of its return the job goes on."""
    with scene.running("scheduler"), scene.running("worker", "--concurrency", 2, **SLOW):
        work = scene.submit()
        work.wait_for_parts(3)
        scene.servers.postgres.stop_immediately()
        scene.servers.postgres.start()
        seconds = work.recovery()
        work.wait()
    recovered(seconds)
    assert 30 >= seconds
    assert [] == work.failures()
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F41", "stop for three leases amid a chunk", "the worker gives the chunk up by itself and hands it back; once"
)
def test_a_server_that_is_away_for_three_leases_costs_no_attempt(
    scene: Scene, hold: Callable[..., Hold], recovered: Recovered
) -> None:
    """The chunk in hand is given up while nobody can say so, and the ledger hears of it first."""
    held = hold(f"commit.begin#{CHUNK}")
    with scene.running("scheduler"), scene.running("worker", "--concurrency", 1, **held.settings) as worker:
        work = scene.submit()
        held.pid()
        scene.servers.postgres.stop()
        begun = time.monotonic()
        wait_for(lambda: time.monotonic() - begun > 2 * scene.lease_seconds, "two leases")
        held.let_go()
        log = scene.log("worker", "--concurrency", 1)
        wait_for(lambda: "handed back" in log.read_text(), "the chunk to be given up")
        wait_for(lambda: time.monotonic() - begun > 3 * scene.lease_seconds, "three leases")
        assert worker.poll() is None
        scene.servers.postgres.start()
        seconds = work.recovery()
        work.wait()
    recovered(seconds)
    assert 30 >= seconds
    assert [] == work.failures()
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F41", "the wire of one of two workers is a black hole for three leases", "its chunk is scored by the other; once"
)
def test_a_worker_that_is_cut_off_is_followed_by_another(
    scene: Scene, wire: TcpProxy, wired: dict[str, str], recovered: Recovered
) -> None:
    """What it has in hand goes elsewhere within a lease and ten seconds; when it is back it harms nobody."""
    with scene.running("scheduler"), scene.running("worker", "--concurrency", 2, **SLOW, **wired):
        work = scene.submit()
        work.wait_for_parts(3)
        wire.black_hole()
        with scene.running("worker", "--concurrency", 1):
            seconds = work.recovery()
            work.wait()
        wire.pass_on()
        settled = "SELECT count(*) FROM steps WHERE finished_at IS NULL"
        assert [(0,)] == scene.sql(settled)
    recovered(seconds)
    assert scene.lease_seconds + 10 >= seconds
    work.prove()
