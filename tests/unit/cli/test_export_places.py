"""No command that writes a file of rows writes over a job's result, or over what the rows come from."""

from collections.abc import Mapping
from pathlib import Path

import pytest

import scoring
from scoring.cli.errors import run_command
from scoring.cli.main import cli
from tests.small_models import churn_model

WORDS = ("expected a file that may be replaced", "got ", "name a file in another folder")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A job over rows.csv with its result in out/, the same rows elsewhere, and labels."""
    monkeypatch.setenv("SCORING_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    churn_model(tmp_path / "churn.onnx")
    for name in ("rows.csv", "copy.csv"):
        (tmp_path / name).write_text("id,age,plan\na,30,free\nb,50,pro\n")
    (tmp_path / "truth.csv").write_text("id,churned\na,1\nnobody,0\n")
    (tmp_path / "truth.jsonl").write_text('{"id": "a", "churned": 1}\n{"id": "nobody", "churned": 0}\n')
    scoring.run("churn.onnx", "rows.csv", key="id", output="out", workers=1)
    return tmp_path


def contents(folder: Path) -> Mapping[str, bytes]:
    places = (folder / "out", folder / "home/store", *folder.glob("*.*"))
    files = (path for place in places for path in (place.rglob("*") if place.is_dir() else (place,)))
    return {str(path): path.read_bytes() for path in files if path.is_file()}


def test_a_refused_export_changes_nothing(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Exit 4 in three parts, the files as they were, and no labels attached."""
    results, joined, asked = ["results", "last", "-o"], ["results", "last", "--join", "copy.csv", "-o"], ["sql", "-o"]
    by_id = ["--key", "id", "--label", "churned", "--unknown"]
    attached = ["labels", "last", "truth.csv", *by_id]
    of_results = ["out/part-000000.parquet", "out/new.csv", "home/store/results/x.csv"]
    wrong = [
        *((command, place) for command in (results, joined, asked, attached) for place in of_results),
        *((command, "rows.csv") for command in (results, joined, attached)),
        (joined, "copy.csv"),
        (attached, "truth.csv"),
        (["labels", "last", "truth.jsonl", *by_id], "truth.jsonl"),
    ]
    (folder / "home/store/results").mkdir(exist_ok=True)
    before = contents(folder)
    for command, place in wrong:
        query = ["SELECT * FROM results('last')"] if command is asked else []
        assert 4 == run_command(cli, "scoring", [*command, place, *query]), (command, place)
        said = " ".join(capfd.readouterr().err.replace(":", "").split())
        assert all(word in said for word in WORDS), said
    assert before == contents(folder)
    assert [] == scoring.Job("last").accuracy()


def test_an_export_elsewhere_is_written(folder: Path) -> None:
    """Also a second time; Parquet bears no note of the job, and is no part."""
    for _ in range(2):
        for command in (["results", "last"], ["sql", "SELECT * FROM results('last')"]):
            assert 0 == run_command(cli, "scoring", [*command, "-o", "part-000000.parquet"])
    labels = ["labels", "last", "truth.csv", "--key", "id", "--label", "churned", "--unknown", "unknown.csv"]
    assert 0 == run_command(cli, "scoring", labels)
    assert '"id","churned"\n"nobody","0"\n' == (folder / "unknown.csv").read_text()
