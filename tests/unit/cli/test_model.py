"""`scoring model alias`: a name for a version."""

import json
from pathlib import Path

import pytest

from scoring.cli.errors import run_command
from scoring.cli.main import cli
from tests.small_models import linear_model


@pytest.fixture(autouse=True)
def versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two versions of `churn`."""
    monkeypatch.setenv("SCORING_HOME", str(tmp_path / "home"))
    for weight in (1.0, 2.0):
        model = linear_model(tmp_path / f"{weight}.onnx", weights=[weight])
        assert 0 == run_command(cli, "scoring", ["model", "add", "churn", str(model)])


def alias(*arguments: str) -> int:
    return run_command(cli, "scoring", ["model", "alias", *arguments])


def test_an_alias_is_the_newest_version_or_the_one_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """It moves at each call, a second one stays, and `churn@champion` is found at once."""
    assert 0 == alias("churn", "champion")
    assert 0 == alias("churn", "rival", "--version", "1")
    assert "churn@rival is churn:1 from now on" in capsys.readouterr().err
    assert 0 == run_command(cli, "scoring", ["model", "show", "churn@champion", "--json"])
    assert 2 == json.loads(capsys.readouterr().out)["version"]
    assert 0 == alias("churn", "champion", "--version", "1", "--json")
    named = json.loads(capsys.readouterr().out)
    assert (1, ["champion", "rival"]) == (named["version"], named["aliases"])


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["unknown", "champion"], 3),
        (["churn", "champion", "--version", "3"], 3),
        (["churn", "cham pion"], 2),
        (["churn", "a@b"], 2),
        (["churn:1", "champion"], 2),
        (["churn", "champion", "--version", "0"], 2),
    ],
)
def test_what_cannot_be_named_is_refused(arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown model or version is not found, a bad name is bad usage; no alias comes of it."""
    assert code == alias(*arguments)
    capsys.readouterr()
    assert 0 == run_command(cli, "scoring", ["model", "list", "--json"])
    assert [[], []] == [version["aliases"] for version in json.loads(capsys.readouterr().out)]
