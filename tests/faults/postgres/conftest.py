"""A wire to the ledger's server that a test may cut."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.proxy import TcpProxy, rerouted
from tests.faults.scene import Scene
from tests.faults.worker.hold import Hold


@pytest.fixture
def wire(scene: Scene) -> Iterator[TcpProxy]:
    """In front of the Postgres of the scene."""
    with TcpProxy(scene.servers.postgres.port) as proxy:
        yield proxy


@pytest.fixture
def wired(scene: Scene, wire: TcpProxy) -> dict[str, str]:
    """Settings of a process that reaches the ledger over the wire."""
    return {"SCORING_DATABASE_URL": rerouted(scene.program.settings["SCORING_DATABASE_URL"], wire.port)}


@pytest.fixture
def hold(tmp_path: Path) -> Callable[..., Hold]:
    """`hold("score.read#3")`."""
    return lambda *points: Hold(tmp_path, *points)
