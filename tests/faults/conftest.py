"""A deployment on servers of the test's own, which it may take away."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.program import Program
from tests.faults.scene import Scene
from tests.servers import Servers

LEASE_SECONDS = 3


@pytest.fixture
def deployed(private_servers: Servers, tmp_path: Path) -> Program:
    """Settings of a deployment with an upgraded ledger."""
    program = Program(
        tmp_path,
        {
            "SCORING_DATABASE_URL": private_servers.postgres.create_database(),
            "SCORING_BROKER_URL": private_servers.redis.url,
            "SCORING_STORE": str(tmp_path / "store"),
            "SCORING_LEASE_SECONDS": str(LEASE_SECONDS),
        },
    )
    program("db", "upgrade")
    return program


@pytest.fixture
def scene(deployed: Program, private_servers: Servers) -> Scene:
    """The deployment with hands on its servers."""
    return Scene(program=deployed, servers=private_servers)


@pytest.fixture
def recovered(record_property: Callable[[str, object], None]) -> Callable[[float], None]:
    """Call it with the seconds that a recovery took: they stand in the table of `docs/reliability.md`."""
    return lambda seconds: record_property("recovery_seconds", round(seconds, 1))
