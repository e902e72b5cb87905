"""A home to work in, for tests of commands and of the verbs for Python."""

import pytest

from scoring.cli.errors import run_command
from scoring.cli.main import cli
from tests.place import Place
from tests.small_models import churn_model


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A model and rows in a working folder, and a home where the model has been tried out already."""
    made = Place(tmp_path_factory.mktemp("home"))
    model = churn_model(made.folder / "churn.onnx")
    (made.folder / "rows.csv").write_text("id,age,plan\na,30,free\nb,50,pro\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCORING_HOME", str(made.folder / "home"))
        assert 0 == run_command(cli, "scoring", ["model", "add", "churn", str(model)])
    made.keep()
    return made
