"""A submit waits for no broker: whatever Redis does, the bell gives up in time, and rings again afterwards."""

import socket
import time
from collections.abc import Callable, Iterator

import pytest

from scoring.core.ids import JobId, StepId
from scoring.core.states import Priority, StepKind
from scoring.queue import DEADLINE_SECONDS, CeleryBell
from tests.servers import NoServer, RedisServer
from tests.servers.missing import no_server

STEPS = [StepId(JobId("00000000000000ab"), StepKind.SCORE, chunk) for chunk in range(3)]
CONTRACT_SECONDS = 5.0


def _pause_writes(redis: RedisServer) -> None:
    with redis.client() as client:
        client.execute_command("CLIENT", "PAUSE", "600000", "WRITE")


def _allow_writes(redis: RedisServer) -> None:
    with redis.client() as client:
        client.execute_command("CLIENT", "UNPAUSE")


HANGS: dict[str, tuple[Callable[[RedisServer], None], Callable[[RedisServer], None]]] = {
    "writes paused": (_pause_writes, _allow_writes),  # it answers, but takes nothing
    "process stopped": (RedisServer.pause, RedisServer.resume),  # connections are accepted by the kernel
    "down": (RedisServer.kill, RedisServer.start),
}


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    try:
        server = RedisServer()
    except NoServer as error:
        no_server(error)
    server.start()
    yield server
    server.close()


@pytest.mark.parametrize(
    ("hang", "connected"),
    [
        pytest.param(
            "writes paused",
            True,
            marks=pytest.mark.fault("F5", "a ring while writes are paused", "given up within 5 s"),
        ),
        pytest.param(
            "process stopped",
            False,
            marks=[
                pytest.mark.fault("F5", "a ring while Redis is stopped", "given up within 5 s"),
                pytest.mark.exhaustive,
            ],
        ),
        pytest.param("down", True, marks=pytest.mark.fault("F6", "a ring while Redis is down", "given up within 5 s")),
    ],
)
def test_a_ring_ends_in_time_and_later_ones_arrive(redis: RedisServer, hang: str, connected: bool) -> None:
    """False within the contract's five seconds, twice in a row; once Redis is back, True."""
    begin, end = HANGS[hang]
    bell = CeleryBell(redis.url)
    if connected:
        assert bell.ring(STEPS, Priority.NORMAL)
    begin(redis)
    try:
        for _ in range(2):
            started = time.monotonic()
            assert bell.ring(STEPS, Priority.NORMAL) is False
            assert time.monotonic() - started < CONTRACT_SECONDS
    finally:
        end(redis)
    assert _until_rung(bell)
    assert (bell.depth(Priority.NORMAL) or 0) >= len(STEPS)


def test_a_host_that_swallows_everything_is_given_up_at_the_deadline() -> None:
    """A listener that never answers, as behind a firewall: the deadline holds whatever the sockets wait for."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        bell = CeleryBell(f"redis://127.0.0.1:{listener.getsockname()[1]}/0", deadline_seconds=0.5)
        for _ in range(2):  # the second finds the first one's thread still hanging
            started = time.monotonic()
            assert bell.ring(STEPS, Priority.NORMAL) is False
            assert time.monotonic() - started < 1.5
        assert DEADLINE_SECONDS < CONTRACT_SECONDS


def _until_rung(bell: CeleryBell) -> bool:
    """The call that was given up may still hold on for a socket time-out."""
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        if bell.ring(STEPS, Priority.NORMAL):
            return True
    return False
