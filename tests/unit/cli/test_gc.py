"""`scoring gc`: what it does not take."""

import pytest
from click.testing import CliRunner

from scoring.cli.gc import gc
from scoring.core.errors import UsageError


@pytest.mark.parametrize("age", ["5m", "0", "soon"])
def test_young_leftovers_are_not_asked_for(age: str) -> None:
    """A job at work has files too."""
    with pytest.raises(UsageError, match="--older-than"):
        CliRunner().invoke(gc, ["--older-than", age], catch_exceptions=False)
