"""A deployment on servers of the test's own."""

from pathlib import Path

import pytest

from tests.acceptance.program import Program
from tests.faults.scene import Scene
from tests.servers import Servers


@pytest.fixture
def scene(private_servers: Servers, tmp_path: Path) -> Scene:
    """With an upgraded ledger, and hands on its servers."""
    program = Program(
        tmp_path,
        {
            "SCORING_DATABASE_URL": private_servers.postgres.create_database(),
            "SCORING_BROKER_URL": private_servers.redis.url,
            "SCORING_STORE": str(tmp_path / "store"),
            "SCORING_LEASE_SECONDS": "3",
        },
    )
    program("db", "upgrade")
    return Scene(program=program, servers=private_servers)
