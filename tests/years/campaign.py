"""A simulated year of fifty schedules in two zones: `make campaign`. YEAR_SEED picks another one."""

import logging
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scoring.ledger import schema_version
from scoring.settings import LogFormat
from scoring.telemetry import configure
from tests.years.world import World

SEED = int(os.environ.get("YEAR_SEED", "2025"))
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)


def told(world: World) -> None:
    """Run the world, and print what happened in it."""
    configure(LogFormat.TEXT, level=logging.CRITICAL)  # a year of late batches is no news here
    began = time.monotonic()
    world.run()
    seconds = time.monotonic() - began
    figures = {"slots": len(world.oracle.moves), "jobs": len(world.oracle.jobs), "turns": world.turns}
    figures |= {"kills": world.kills, "seconds": round(seconds), **dict(sorted(world.oracle.seen.items()))}
    sys.stdout.writelines(f"{count:>9,} {what}\n" for what, count in figures.items())


def test_a_year_of_fifty_schedules(tmp_path: Path) -> None:
    """Each slot one decision and at most one job, as its policies say."""
    told(World(f"sqlite:///{tmp_path}/ledger.db", tmp_path, seed=SEED, count=50, begin=BEGIN, days=365))


@pytest.mark.parametrize("begin", [datetime(2025, 3, 1, tzinfo=UTC), datetime(2025, 10, 20, tzinfo=UTC)], ids=str)
def test_a_month_on_a_server(tmp_path: Path, fresh_postgres: Callable[[], str], begin: datetime) -> None:
    """The same on Postgres, around both changes of clocks."""
    url = fresh_postgres()
    schema_version.upgrade(url)
    told(World(url, tmp_path, seed=SEED, count=20, begin=begin, days=31))
