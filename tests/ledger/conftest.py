"""One contract suite over both databases: every test that asks for `ledger` runs on SQLite and on Postgres."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from scoring.ledger import schema_version
from scoring.ledger.database import Ledger
from scoring.ledger.tables import metadata
from tests.ledger.desk import Desk
from tests.ledger.staff import login, staff
from tests.servers.postgres import plain

BOTH = ["sqlite", "postgresql"]


def empty(connection: psycopg.Connection[Any]) -> None:
    """Every table of the ledger, but for the rows that a migration has made."""
    connection.execute(f"TRUNCATE {', '.join(set(metadata.tables) - {'locks'})} RESTART IDENTITY CASCADE")
    connection.execute("DELETE FROM locks WHERE name NOT LIKE 'publisher:%'")


@pytest.fixture(scope="session")
def sqlite_master(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An embedded ledger without a row, to copy: migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("ledger") / "master.db"
    schema_version.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_postgres(fresh_postgres: Callable[[], str]) -> str:
    url = fresh_postgres()
    schema_version.upgrade(url)
    return url


@pytest.fixture(params=BOTH)
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A ledger without a row."""
    if request.param == "sqlite":
        path = tmp_path / "ledger.db"
        shutil.copyfile(request.getfixturevalue("sqlite_master"), path)
        return f"sqlite:///{path}"
    url: str = request.getfixturevalue("migrated_postgres")
    with psycopg.connect(plain(url), autocommit=True) as connection:
        empty(connection)
    return url


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    opened = Ledger.open(ledger_url)
    yield opened
    opened.close()


@pytest.fixture
def desk(ledger: Ledger) -> Desk:
    return Desk(ledger)


@pytest.fixture
def other_desk(ledger_url: str, ledger: Ledger) -> Iterator[Desk]:
    """Another process at the same ledger: connections of its own."""
    opened = Ledger.open(ledger_url)
    yield Desk(opened, worker="host:2")
    opened.close()


@pytest.fixture
def postgres_desk(request: pytest.FixtureRequest, migrated_postgres: str) -> Iterator[Desk]:
    """For what only a server can show."""
    with psycopg.connect(plain(migrated_postgres), autocommit=True) as connection:
        empty(connection)
    opened = Ledger.open(migrated_postgres)
    yield Desk(opened)
    opened.close()


@pytest.fixture(scope="session")
def results_url(fresh_postgres: Callable[[], str]) -> str:
    """A ledger in a database of its own: readers change what everybody may do there."""
    url = fresh_postgres()
    schema_version.upgrade(url)
    return url


OF_USERS = (
    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
    " AND NOT relispartition AND relname <> ALL (%s)"
)


@pytest.fixture
def results_desk(results_url: str) -> Iterator[Desk]:
    """Without a job, and without a table but the ledger's."""
    with psycopg.connect(plain(results_url), autocommit=True) as connection:
        empty(connection)
        for (name,) in connection.execute(OF_USERS, ([*metadata.tables, "alembic_version"],)).fetchall():
            connection.execute(f'DROP TABLE "{name}" CASCADE')
    ledger = Ledger.open(results_url)
    yield Desk(ledger)
    ledger.close()


@pytest.fixture
def desk_of(results_desk: Desk, results_url: str) -> Iterator[Callable[[str], Desk]]:
    """The desk of a role, logged in with its password."""
    opened: list[Ledger] = []

    def of(role: str) -> Desk:
        opened.append(Ledger.open(login(results_url, role)))
        return Desk(opened[-1])

    with staff(results_url):
        yield of
        for ledger in opened:
            ledger.close()
