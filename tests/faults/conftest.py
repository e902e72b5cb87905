"""A deployment on servers of the test's own, which it may take away."""

from pathlib import Path

import pytest

from tests.acceptance.program import Program
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
