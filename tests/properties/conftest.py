"""A home where the linear model is registered."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scoring.cli.errors import run_command
from scoring.cli.main import cli
from tests.properties.linear import write_model
from tests.rooms import Rooms, rooms


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the module with linear.onnx in it; what an example writes there, the next one overwrites."""
    folder = tmp_path_factory.mktemp("properties")
    write_model(folder / "linear.onnx")
    return folder


@pytest.fixture(scope="module")
def home(workplace: Path) -> Iterator[Rooms]:
    with rooms(workplace / "home") as opened:
        assert 0 == run_command(cli, "scoring", ["model", "add", "linear", str(workplace / "linear.onnx")])
        yield opened
