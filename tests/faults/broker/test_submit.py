"""A submit before a broker that hangs or is down: accepted within five seconds, and run once there is one."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.faults.broker.fleet import fleet
from tests.faults.scene import CHUNK_ROWS, Scene, Work
from tests.servers import RedisServer

CONTRACT_SECONDS = 5
BACK_SECONDS = 30
ROWS = 3_000


@contextmanager
def down(redis: RedisServer) -> Iterator[None]:
    redis.kill()
    yield
    redis.start()


@contextmanager
def stopped(redis: RedisServer) -> Iterator[None]:
    redis.pause()
    yield
    redis.resume()


@contextmanager
def taking_nothing(redis: RedisServer) -> Iterator[None]:
    with redis.client() as client:
        client.execute_command("CLIENT", "PAUSE", "120000", "WRITE")
        yield
        client.execute_command("CLIENT", "UNPAUSE")


def submit(scene: Scene, out: str) -> tuple[Work, str, float]:
    """The job, what was said of it, and how long the command took, its start included."""
    cold = scene.program.with_settings(PYTHONUNBUFFERED="1")  # a process of its own, as in a shell
    begun = time.monotonic()
    said = cold("submit", "churn.onnx", f"rows-{ROWS}.parquet", "--key", "id", "-o", out, "--chunk-rows", CHUNK_ROWS)
    seconds = time.monotonic() - begun
    work = Work(scene=scene, job_id=said.stdout.strip(), rows=ROWS, chunk_rows=CHUNK_ROWS, out=scene.folder / out)
    return work, said.stderr, seconds


@pytest.mark.parametrize(
    "absence",
    [
        pytest.param(
            taking_nothing, marks=pytest.mark.fault("F5", "CLIENT PAUSE WRITE, two submits", "accepted within 5 s")
        ),
        pytest.param(
            stopped, marks=pytest.mark.fault("F5", "STOP to Redis, two submits", "accepted within 5 s, said, run later")
        ),
        pytest.param(
            down, marks=pytest.mark.fault("F6", "Redis killed, two submits", "the same; the second is no slower")
        ),
    ],
)
@pytest.mark.exhaustive
def test_a_submit_does_not_wait_for_its_broker(
    scene: Scene,
    absence: Callable[[RedisServer], Iterator[None]],
    recovered: Callable[[float], None],
) -> None:
    """Exit 0 and the id of a job that stands in the ledger; the message says that the broker cannot be reached."""
    first = scene.submit(rows=ROWS)  # makes the model and the input, too
    _, _, usual = submit(scene, "usual")
    with absence(scene.servers.redis):
        submitted = [submit(scene, f"out-{number}") for number in range(2)]
    with fleet(scene):
        recovered(submitted[0][0].recovery())
        first.wait()
        for work, said, seconds in submitted:
            work.wait()
            work.prove()
            assert f"job {work.job_id} is queued; the broker cannot be reached now" in said
            assert CONTRACT_SECONDS >= seconds - usual  # what it does besides takes long where others are at work
