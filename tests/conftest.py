"""Real servers for the tests that need them, one pair per xdist process, and one rule for when there is none.

A URL from the environment is used or the test fails: never a silent step to something else. Without a URL, installed
programs serve, else those in wheels. Where there is no program either, the test is skipped; with CI set, it fails.
"""

import os
from collections.abc import Callable, Iterator

import psycopg
import pytest
import redis
from hypothesis import settings

from tests.servers import LocalServer, NoServer, PostgresServer, RedisServer, Servers, postgres_binaries, redis_binary
from tests.servers.missing import no_server
from tests.servers.postgres import create_database, drop_database, server_version
from tests.servers.redis import client

POSTGRES_URL = "TEST_POSTGRES_URL"
REDIS_URL = "TEST_REDIS_URL"

# Examples are found by exploring here, and repeated there: a gate must not fail on Tuesdays only.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


# A developer's own settings have no say in a test, nor in the processes that it starts.
for _name in [name for name in os.environ if name.startswith("SCORING_")]:
    del os.environ[_name]


def pytest_report_header() -> list[str]:
    return [f"Postgres: {_describe(POSTGRES_URL, _postgres_version)}", f"Redis: {_describe(REDIS_URL, _redis_version)}"]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a server where databases may be made; for a test that breaks its server there is `private_servers`."""
    if given := os.environ.get(POSTGRES_URL):
        yield given
        return
    server = _started(PostgresServer)
    yield server.url
    server.close()


@pytest.fixture(scope="session")
def fresh_postgres(postgres_server: str) -> Iterator[Callable[[], str]]:
    """Each call makes an empty database and returns its URL; all are dropped at the end."""
    made: list[str] = []

    def make() -> str:
        made.append(create_database(postgres_server))
        return made[-1]

    yield make
    for url in made:
        drop_database(url)


@pytest.fixture
def postgres_url(fresh_postgres: Callable[[], str]) -> str:
    """An empty database of the test's own."""
    return fresh_postgres()


@pytest.fixture(scope="session")
def redis_server(worker_id: str) -> Iterator[str]:
    """URL of a Redis database that only this process uses."""
    if given := os.environ.get(REDIS_URL):
        yield _given_redis(given, worker_id)
        return
    server = _started(RedisServer)
    yield server.url
    server.close()


@pytest.fixture
def redis_url(redis_server: str) -> Iterator[str]:
    """An empty Redis database."""
    with client(redis_server) as connection:
        connection.flushdb()
        yield redis_server
        connection.flushdb()


@pytest.fixture
def private_servers() -> Iterator[Servers]:
    """A Postgres and a Redis of the test's own, to stop, kill and restart."""
    try:
        servers = Servers.private()
    except NoServer as error:
        no_server(error)
    with servers:
        yield servers


def _started(kind: type[PostgresServer] | type[RedisServer]) -> LocalServer:
    try:
        server = kind()
    except NoServer as error:
        no_server(error)
    try:
        server.start()
    except BaseException:
        server.close()
        raise
    return server


def _given_redis(url: str, worker_id: str) -> str:
    """The given database, or the n-th one after it for xdist's n-th process; refused unless it is empty."""
    address, _, number = url.rpartition("/")
    first = int(number) if number.isdigit() else 0
    address = address if number.isdigit() else url.rstrip("/")
    mine = f"{address}/{first + int(worker_id.removeprefix('gw') if worker_id.startswith('gw') else 0)}"
    with client(mine) as connection:
        if keys := connection.dbsize():
            pytest.fail(
                f"{REDIS_URL}: expected an empty database, got one with {keys} keys; give another", pytrace=False
            )
    return mine


def _describe(variable: str, version: Callable[[str | None], str]) -> str:
    given = os.environ.get(variable)
    try:
        return version(given) + (f" (from {variable})" if given else "")
    except (NoServer, psycopg.Error, redis.RedisError) as error:
        return f"none: {error}".strip()


def _postgres_version(given: str | None) -> str:
    return f"postgres {server_version(given)}" if given else str(postgres_binaries())


def _redis_version(given: str | None) -> str:
    if not given:
        return str(redis_binary())
    with client(given) as connection:
        return f"redis {connection.info('server')['redis_version']}"
