"""A broker that is there and does not answer: stopped, paused, full, or shut off again and again."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.faults.broker.fleet import WORKER, begun, fleet, lines, recovery, rung, worker_log
from tests.faults.scene import Scene
from tests.servers import RedisServer
from tests.waiting import wait_for
from workers.app import SOCKET_SECONDS

BACK_SECONDS = 30
STORM_SECONDS = 15
BLOW_SECONDS = 0.2


@contextmanager
def storm(redis: RedisServer) -> Iterator[None]:
    """Every connection of every client is cut five times a second while the block runs."""
    over = threading.Event()

    def blow() -> None:
        with redis.client() as client:
            while not over.wait(BLOW_SECONDS):
                for kind in ("normal", "pubsub"):
                    client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")

    thread = threading.Thread(target=blow)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.fault("F3", "CLIENT KILL of all clients every 200 ms, for 15 s", "workers connect anew; no start anew")
@pytest.mark.exhaustive
def test_a_storm_of_resets_ends_in_work(scene: Scene, recovered: Callable[[float], None]) -> None:
    """Celery meets no error that it takes for its end, and within 30 s of the last reset new chunks are claimed."""
    with fleet(scene) as worker:
        work = scene.submit(rows=100_000, chunk_rows=500)
        work.wait_for_parts(3)
        with storm(scene.servers.redis):
            threading.Event().wait(STORM_SECONDS)  # the storm's own length
        before, ended = begun(work), time.monotonic()
        wait_for(lambda: len(begun(work)) > len(before), "a claim after the storm")
        seconds = time.monotonic() - ended
        work.wait()
        assert worker.poll() is None
    recovered(seconds)
    assert BACK_SECONDS >= seconds
    assert [] == lines(scene, "Unrecoverable")
    assert [] == work.failures()
    work.prove()


@pytest.mark.fault("F4", "STOP to Redis for longer than the socket time-out", "what runs commits; then work goes on")
@pytest.mark.exhaustive
def test_a_broker_that_falls_silent_stops_no_chunk_in_hand(scene: Scene, recovered: Callable[[float], None]) -> None:
    """Chunks that run are public while Redis hangs, the worker says that it hears nothing, and goes on by itself."""
    slow = {"SCORING_FAILPOINTS": "score.read=pause:1"}
    redis = scene.servers.redis
    with fleet(scene, **slow):
        work = scene.submit()
        work.wait_for_parts(2)
        redis.pause()
        running = begun(work)
        wait_for(lambda: work.done() == len(running), "the chunks in hand", seconds=20)
        wait_for(lambda: lines(scene, "onnection"), "the worker's word", seconds=SOCKET_SECONDS + 15)
        lost = rung(work)
        redis.resume()
        seconds = recovery(work, lost)
        work.wait()
    recovered(seconds)
    assert BACK_SECONDS >= seconds
    assert [] == work.failures()
    work.prove()


@pytest.mark.fault("F7", "a worker and a scheduler start before Redis", "they wait, say so, and work once it is there")
@pytest.mark.exhaustive
def test_a_worker_may_start_before_its_broker(scene: Scene, recovered: Callable[[float], None]) -> None:
    """It does not end, and its pauses between two tries do not grow past the promise."""
    redis = scene.servers.redis
    redis.kill()
    with fleet(scene) as worker:
        work = scene.submit()
        wait_for(lambda: len(lines(scene, "Cannot connect")) >= 5, "five tries", seconds=60)
        assert worker.poll() is None
        redis.start()
        seconds = work.recovery()
        work.wait()
    recovered(seconds)
    assert BACK_SECONDS >= seconds
    assert [] == work.failures()
    work.prove()


def fill(redis: RedisServer, policy: str) -> None:
    """Less memory than Redis needs for itself: it takes no write, or throws away what it has."""
    with redis.client() as client:
        client.config_set("maxmemory-policy", policy)
        client.config_set("maxmemory", "1mb")


def make_room(redis: RedisServer) -> None:
    with redis.client() as client:
        client.config_set("maxmemory", "0")


@pytest.mark.fault("F8", "maxmemory 1mb, noeviction or allkeys-lru, amid a job", "said in words; goes on with room")
@pytest.mark.parametrize(("policy", "words"), [("noeviction", "maxmemory"), ("allkeys-lru", "")])
@pytest.mark.exhaustive
def test_a_full_broker_is_said_and_outlived(
    scene: Scene, policy: str, words: str, recovered: Callable[[float], None]
) -> None:
    """What could not be rung, or was thrown away, is rung once there is room."""
    redis = scene.servers.redis
    with fleet(scene) as worker:
        work = scene.submit()
        work.wait_for_parts(3)
        fill(redis, policy)
        lost = rung(work)
        wait_for(lambda: words in scene.log("scheduler").read_text() + worker_log(scene).read_text(), "the reason")
        make_room(redis)
        seconds = recovery(work, lost)
        work.wait()
        assert worker.poll() is None
    recovered(seconds)
    assert BACK_SECONDS >= seconds
    assert [] == work.failures()
    work.prove()


@pytest.mark.fault("F8", "maxmemory-policy allkeys-lru", "a worker's start and doctor warn of it")
@pytest.mark.exhaustive
def test_a_broker_that_would_throw_messages_away_is_warned_of(scene: Scene) -> None:
    """Both name the policy and what to set instead."""
    with scene.servers.redis.client() as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
    checks = scene.program.json("doctor")["checks"]
    assert ["warning"] == [check["status"] for check in checks if "allkeys-lru" in check["message"]]
    with scene.running(*WORKER):
        wait_for(lambda: lines(scene, "allkeys-lru"), "the worker's warning")
