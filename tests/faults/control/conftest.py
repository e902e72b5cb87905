"""A barrier, and a home without servers."""

from pathlib import Path

import pytest

from tests.faults.control.barrier import Barrier
from tests.faults.control.home import Home


@pytest.fixture
def barrier(tmp_path: Path) -> Barrier:
    return Barrier(tmp_path / "barrier")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A model and rows to score in a folder of the test's own."""
    return Home.make(tmp_path)
