"""A ledger that keeps its connections and says nothing any more: whoever asks it is told so, in words and in time."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.faults.control.barrier import Barrier
from tests.faults.proxy import TcpProxy, rerouted
from tests.faults.scene import Scene
from tests.servers import Servers
from tests.small_models import churn_model

AWAY = 6
BOUND_SECONDS = 30.0
"""Ten of silence, five at the door, five for one more connection; and the start of a command on a busy machine."""

KEY = ("--idempotency-key", "tonight")


@contextmanager
def stopped(servers: Servers, _proxy: TcpProxy) -> Iterator[None]:
    """The server's processes stand still; the kernel goes on taking what is sent to them."""
    servers.postgres.pause()
    try:
        yield
    finally:
        servers.postgres.resume()


@contextmanager
def swallowed(_servers: Servers, proxy: TcpProxy) -> Iterator[None]:
    """Nothing passes on the way, and nobody says so."""
    proxy.black_hole()
    try:
        yield
    finally:
        proxy.pass_on()


SILENCES = {"stopped": stopped, "swallowed": swallowed}


@pytest.mark.exhaustive
@pytest.mark.fault("F41", "Postgres stopped, or its wire a black hole, amid a submit", "exit 6 in words within 30 s")
@pytest.mark.parametrize("silence", SILENCES)
def test_a_submit_never_hangs(scene: Scene, barrier: Barrier, silence: str, recovered: Callable[[float], None]) -> None:
    """One that meets the silence at its start, and one in the middle; the same submit later makes one job."""
    servers, source = scene.servers, scene.folder / "rows.csv"
    source.write_text("id,age,plan\na,30,free\n")
    command = ("submit", churn_model(scene.folder / "churn.onnx"), source, "--key", "id", "-o", "out", *KEY)
    with TcpProxy(servers.postgres.port) as proxy:
        url = rerouted(scene.program.settings["SCORING_DATABASE_URL"], proxy.port)
        through = scene.program.with_settings(SCORING_DATABASE_URL=url)
        amid = through.with_settings(**barrier.at("submit.record")).start(*command)
        try:
            barrier.wait_for()
            with SILENCES[silence](servers, proxy):
                barrier.let_go()
                begun = time.monotonic()
                _, said = amid.communicate(timeout=120)
                seconds = time.monotonic() - begun
                at_start = through(*command, code=AWAY)
        finally:
            amid.kill()
        assert AWAY == amid.returncode, said
        assert BOUND_SECONDS >= seconds
        for text in (said, at_start.stderr):
            assert "the ledger" in text
            assert "Traceback" not in text
        recovered(seconds)
        job = through(*command).stdout.strip()
        assert job == through(*command).stdout.strip()
    assert [job] == [found["job_id"] for found in scene.program.json("jobs")]


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F44", "a statement that the server works on for longer than the silence allowed", "it is waited for"
)
def test_a_slow_answer_is_no_silence(scene: Scene) -> None:
    """The server opens its door meanwhile: it lives, and the connection goes on."""
    from scoring.ledger.silence import SILENT_SECONDS, WatchedConnection
    from tests.servers.postgres import plain

    with WatchedConnection.connect(plain(scene.servers.postgres.url)) as connection:
        (row,) = connection.execute("SELECT pg_sleep(%s)::text, 7", [SILENT_SECONDS + 2]).fetchall()
    assert ("", 7) == row
