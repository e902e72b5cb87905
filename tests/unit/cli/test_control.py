"""What a person is told who takes up a job that has ended."""

import pytest

from scoring.cli.errors import run_command
from scoring.cli.main import cli
from tests.place import Place


def test_who_retries_what_must_fail_again_is_told(
    place: Place, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The limit of rejected rows is the job's own, and `retry` keeps it."""
    monkeypatch.setenv("SCORING_HOME", str(place.folder / "home"))
    monkeypatch.chdir(place.put_back())
    (place.folder / "rows.csv").write_text("id,age,plan\n1,31,free\n2,many,free\n")
    code = run_command(cli, "scoring", ["run", "churn.onnx", "rows.csv", "--key", "id", "--max-rejected", "0"])
    capfd.readouterr()
    assert code == run_command(cli, "scoring", ["retry", "last"])
    assert "to allow more, submit the job anew" in capfd.readouterr().err
