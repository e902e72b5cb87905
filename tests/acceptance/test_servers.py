"""The private servers of this test run keep the promises that other tests build on."""

from collections.abc import Callable

import psycopg
import pytest
import redis

from tests.servers import Servers
from tests.servers.postgres import plain
from tests.servers.redis import client


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
