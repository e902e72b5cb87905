"""One contract suite over both databases: every test that asks for `ledger` runs on SQLite and on Postgres."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scoring.ledger import schema_version
from scoring.ledger.database import Ledger
from tests.ledger.desk import Desk


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty ledger of the test's own."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    url: str = request.getfixturevalue("postgres_url")
    schema_version.upgrade(url)
    return url


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    opened = Ledger.open(ledger_url)
    yield opened
    opened.close()


@pytest.fixture
def desk(ledger: Ledger) -> Desk:
    return Desk(ledger)
