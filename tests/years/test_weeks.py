"""Some weeks of four schedules around a change of clocks; `make campaign` does a year of fifty."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scoring.ledger import schema_version
from tests.years.world import World

SPRING = datetime(2025, 3, 7, tzinfo=UTC)
"""New York changes its clocks on the 9th, Berlin on the 30th."""
AUTUMN = datetime(2025, 10, 20, tzinfo=UTC)
"""Berlin on the 26th, New York on the 2nd."""


@pytest.mark.parametrize(
    ("seed", "begin", "days"), [pytest.param(1, SPRING, 24, marks=pytest.mark.exhaustive), (2, AUTUMN, 15)]
)
def test_each_slot_is_decided_once_and_as_declared(tmp_path: Path, seed: int, begin: datetime, days: int) -> None:
    """Schedulers die anywhere, their clocks jump, people pause and edit: one decision, one job, by the policies."""
    World(f"sqlite:///{tmp_path}/ledger.db", tmp_path, seed=seed, count=4, begin=begin, days=days).run()


@pytest.mark.exhaustive
def test_each_slot_is_decided_once_on_a_server(tmp_path: Path, fresh_postgres: Callable[[], str]) -> None:
    """The same on Postgres, for a few days."""
    url = fresh_postgres()
    schema_version.upgrade(url)
    World(url, tmp_path, seed=3, count=4, begin=SPRING, days=4).run()
