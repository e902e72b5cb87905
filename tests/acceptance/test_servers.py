"""The private servers of this test run keep the promises that other tests build on."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import redis

from tests.servers import NoServer, Servers
from tests.servers.missing import no_server
from tests.servers.postgres import plain
from tests.servers.process import wait_until
from tests.servers.redis import client

ROOT = Path(__file__).parents[2]


def test_each_database_is_empty_and_its_own(fresh_postgres: Callable[[], str]) -> None:
    """A table made in one database is not seen in the next."""
    first, second = fresh_postgres(), fresh_postgres()
    with psycopg.connect(plain(first)) as connection:
        connection.execute("CREATE TABLE mine (x int)")
    with psycopg.connect(plain(second)) as connection:
        row = connection.execute("SELECT to_regclass('mine')").fetchone()
    assert row == (None,)


@pytest.mark.parametrize("turn", ["first", "second"])
def test_redis_is_empty_at_the_start_of_each_test(redis_url: str, turn: str) -> None:
    """What one test leaves behind, the next does not find."""
    with client(redis_url) as connection:
        assert connection.dbsize() == 0
        connection.set("left", turn)


def test_a_killed_postgres_comes_back_on_its_port_with_its_data(private_servers: Servers) -> None:
    """Committed rows are there after SIGKILL and a restart, under the same URL."""
    postgres = private_servers.postgres
    url = plain(postgres.create_database())
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS x")
    postgres.kill()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=2)
    postgres.start()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT x FROM kept").fetchone() == (7,)


def test_a_killed_redis_comes_back_empty(private_servers: Servers) -> None:
    """Without persistence a broker that dies forgets all messages, as a real one may."""
    server = private_servers.redis
    with server.client() as connection:
        connection.set("message", "1")
    server.kill()
    with pytest.raises(redis.ConnectionError), server.client() as connection:
        connection.ping()
    server.start()
    with server.client() as connection:
        assert connection.dbsize() == 0


def test_a_paused_server_answers_nobody_until_it_is_resumed(private_servers: Servers) -> None:
    """Half-open is neither up nor down: the connection stands, the answer does not come."""
    server = private_servers.redis
    with redis.Redis.from_url(server.url, socket_timeout=0.2) as impatient:
        impatient.ping()
        server.pause()
        with pytest.raises(redis.TimeoutError):
            impatient.ping()
        server.resume()
    with server.client() as patient:
        assert patient.ping()


def test_a_killed_test_run_leaves_no_server_and_no_data() -> None:
    """SIGKILL gives the run no chance to clean up; its servers go all the same."""
    program = """
from tests.servers import RedisServer
server = RedisServer()
server.start()
print(server.folder, server.url, flush=True)
input()
"""
    run = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with run:
        assert run.stdout
        folder, url = run.stdout.readline().split()
        with client(url) as connection:
            assert connection.ping()
            run.kill()
            wait_until(lambda: not Path(folder).exists(), 20, lambda: f"{folder} is still there")
            with pytest.raises(redis.ConnectionError):
                connection.ping()


@pytest.mark.parametrize(
    ("variable", "url", "test"),
    [
        ("TEST_POSTGRES_URL", "postgresql+psycopg://nobody@127.0.0.1:1/none", test_each_database_is_empty_and_its_own),
        ("TEST_REDIS_URL", "redis://127.0.0.1:1/0", test_redis_is_empty_at_the_start_of_each_test),
    ],
    ids=["postgres", "redis"],
)
def test_a_given_server_that_is_away_fails_the_tests(variable: str, url: str, test: Callable[..., None]) -> None:
    """Whoever names a server wants that one: no other is started, nothing is skipped."""
    answer = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"{__file__}::{test.__name__}"],
        env={**os.environ, variable: url},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (1, True) == (answer.returncode, "error" in answer.stdout)
    assert "passed" not in answer.stdout
    assert "skipped" not in answer.stdout


@pytest.mark.parametrize(("ci", "verdict"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_a_missing_server_skips_here_and_fails_in_ci(
    ci: str, verdict: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gap that a person sees is a gap that a gate must not."""
    monkeypatch.setenv("CI", ci)
    with pytest.raises(verdict, match="found none"):
        no_server(NoServer("expected Redis, found none"))
