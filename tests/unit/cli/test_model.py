"""`scoring model`: what a person types and reads."""

import json
import shutil
from pathlib import Path

import pytest

from scoring.cli.errors import run_command
from scoring.cli.main import cli
from tests.small_models import linear_model


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two versions of `churn`, to copy: their trial runs take longer than most tests."""
    folder = tmp_path_factory.mktemp("models")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCORING_HOME", str(folder / "home"))
        for weight in (1.0, 2.0):
            path = linear_model(folder / f"{weight}.onnx", weights=[weight])
            assert 0 == run_command(cli, "scoring", ["model", "add", "churn", str(path)])
    return folder


@pytest.fixture(autouse=True)
def versions(master: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two versions of `churn`, and their files."""
    shutil.copytree(master, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("SCORING_HOME", str(tmp_path / "home"))


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


def model(*arguments: str) -> int:
    return run_command(cli, "scoring", ["model", *arguments])


def test_a_version_in_use_is_not_removed(capsys: pytest.CaptureFixture[str]) -> None:
    """The alias that uses it is named; without it the version goes, and its number is not given again."""
    assert 0 == alias("churn", "champion")
    assert 2 == model("remove", "churn:2")
    assert "alias churn@champion" in capsys.readouterr().err
    assert 2 == alias("churn", "champion", "--drop", "--version", "1")
    assert 0 == alias("churn", "champion", "--drop")
    assert 0 == model("remove", "churn:2", "--json")
    assert [2] == [version["version"] for version in json.loads(capsys.readouterr().out)]
    assert 3 == model("remove", "churn:2")
    assert 3 == alias("churn", "champion", "--drop")
    assert 0 == model("remove", "churn")
    assert "model churn:1 is removed" in capsys.readouterr().err
    assert 3 == model("show", "churn")


def test_a_model_folder_of_mlflow_is_scored_by_its_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the order of the logged signature, whatever the order in the file."""
    folder = tmp_path / "night"
    folder.mkdir()
    linear_model(folder / "model.onnx", weights=[1.0, 10.0])
    columns = json.dumps([{"name": "b", "type": "double"}, {"name": "a", "type": "double"}])
    (folder / "MLmodel").write_text(f"flavors: {{onnx: {{data: model.onnx}}}}\nsignature: {{inputs: '{columns}'}}\n")
    (tmp_path / "rows.csv").write_text("a,b,c\n1,2,7\n3,4,7\n")
    assert 0 == run_command(cli, "scoring", ["run", str(folder), str(tmp_path / "rows.csv")])
    capsys.readouterr()
    assert 0 == run_command(cli, "scoring", ["results", "last", "--json"])
    assert [12.0, 34.0] == [row["y"] for row in json.loads(capsys.readouterr().out)]
    assert 0 == model("show", "night")
    assert "b, a\n" in capsys.readouterr().out


def test_a_removed_version_stands_in_the_views_of_its_jobs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What it has scored was scored by it."""
    rows = tmp_path / "rows.csv"
    rows.write_text("a\n1\n2\n")
    assert 0 == run_command(cli, "scoring", ["run", "churn:1", str(rows), "--json"])
    job = json.loads(capsys.readouterr().out)["job_id"]
    assert 0 == model("remove", "churn")
    capsys.readouterr()
    assert 0 == run_command(cli, "scoring", ["status", job, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert ("churn", 1, "succeeded") == (found["model"], found["version"], found["state"])


def test_a_person_reads_what_is_known_of_a_version(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line per fact, the tensors below; programs get all of it."""
    rows = tmp_path / "rows.csv"
    rows.write_text("a,truth\n1,2\n2,4\n")
    assert 0 == run_command(cli, "scoring", ["run", "churn:2", str(rows), "--label", "truth", "--json"])
    capsys.readouterr()
    assert 0 == model("show", "churn:2")
    text = capsys.readouterr().out
    for line in (
        "model         churn:2",
        "opset         ai.onnx=17",
        "jobs          1 succeeded",
        "input   x     float32",
    ):
        assert line in text
    assert "accuracy      bias=0, mae=0, mape=0, r2=1, rmse=0" in text
    assert 0 == model("show", "churn:2", "--json")
    known = json.loads(capsys.readouterr().out)
    assert (1, {"succeeded": 1}, 1.0) == (known["jobs"]["count"], known["jobs"]["states"], known["accuracy"]["r2"])
    assert (None, None, None) == (known["served"], known["parity"], known["baseline"])


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["churn", "s3://bucket/m.onnx"], 4, "download it first"),
        (["churn", "models:/churn/3"], 4, "download it first"),
        (["churn", "."], 4, "a folder without MLmodel"),
        (["churn", "gone.onnx"], 4, "no model at gone.onnx"),
        (["chu rn", "1.0.onnx"], 2, "letters, digits"),
        (["churn", "1.0.onnx", "--alias", "a@b"], 2, "letters, digits"),
        (["churn", "1.0.onnx", "--tolerance", "1e-3"], 2, "--parity FILE beside it"),
        (["churn", "1.0.onnx", "--parity", "gone.csv"], 4, "no such file"),
    ],
)
def test_what_cannot_be_added_is_refused(
    arguments: list[str], code: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    """In words, and the registry stays as it was."""
    monkeypatch.chdir(tmp_path)
    assert code == model("add", *arguments)
    assert words in capsys.readouterr().err
    assert 0 == model("list", "--json")
    assert 2 == len(json.loads(capsys.readouterr().out))
