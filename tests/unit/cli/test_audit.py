"""`scoring audit`, as it answers."""

import shutil
from pathlib import Path

import pytest

from scoring.cli.errors import run_command
from scoring.cli.main import cli
from tests.place import Place
from tests.unit.cli.conftest import Answer


@pytest.fixture
def home(place: Place, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Path:
    """A home with one job that succeeded into `out`."""
    monkeypatch.setenv("SCORING_HOME", str(place.folder / "home"))
    monkeypatch.chdir(place.put_back())
    run(capfd, "run", "churn", "rows.csv", "--key", "id", "-o", "out")
    return place.folder


def run(capfd: pytest.CaptureFixture[str], *arguments: str) -> Answer:
    capfd.readouterr()
    code = run_command(cli, "scoring", arguments)
    out, err = capfd.readouterr()
    return Answer(code=code, out=out, err=err)


def test_what_holds_and_what_differs(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A line for each check, the digest below; 0, then 1 with the file named, in words and as JSON."""
    whole = run(capfd, "audit", "last")
    assert 0 == whole.code
    assert "ok       rows: 2 rows, each of them once\n" in whole.out
    assert 1 == run(capfd, "audit", "last", "--expect-digest", "ab" * 32).code
    assert 2 == run(capfd, "audit", "last", "--expect-digest", "ab").code
    (home / "out" / "part-000000.parquet").write_bytes(b"PAR1")
    harmed = run(capfd, "audit", "last")
    assert 1 == harmed.code
    assert "FAILED   files: part-000000.parquet: expected " in harmed.out
    assert "skipped  rows: 1 file could not be read; nothing differs in the others" in harmed.out
    assert "digest   none\n" in harmed.out
    document = run(capfd, "audit", "last", "--json").json
    assert (False, None) == (document["ok"], document["digest"])
    assert {"name", "status", "message"} == set(document["checks"][0])


def test_what_cannot_be_audited(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """No such job is 3, a result that was replaced is 2; a folder that is gone is found, without a traceback."""
    assert 3 == run(capfd, "audit", "0000").code
    shutil.rmtree(home / "out")
    gone = run(capfd, "audit", "last")
    assert 1 == gone.code
    assert "out is not there, or this host does not see it" in gone.out
    old = run(capfd, "jobs", "--json").json[0]["job_id"]
    assert 0 == run(capfd, "run", "churn", "rows.csv", "-o", "out", "--overwrite").code
    replaced = run(capfd, "audit", old)
    assert 2 == replaced.code
    assert "which replaced it" in replaced.err
