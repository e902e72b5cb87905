"""What `scoring failures`, `run` and `status` say of rows that were rejected, or about which something was decided."""

import json
from pathlib import Path

import pytest

from scoring.cli.errors import run_command
from scoring.cli.main import cli
from tests.unit.pipeline.one_job import table_model


def program(capfd: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> str:
    """What `scoring ARGUMENTS` prints on stdout."""
    capfd.readouterr()
    assert code == run_command(cli, "scoring", [*map(str, arguments)])
    return capfd.readouterr().out


def test_what_was_decided_is_told_beside_what_was_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """In a sentence for each code and column for people, as objects in JSON, and in one line of `status`."""
    monkeypatch.setenv("SCORING_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    table_model(tmp_path / "table.onnx", [1.0, float("nan")])
    Path("rows.csv").write_text("i\n0\n1\n7\n1\n\x1b[2J\n0\n")
    shown = program(capfd, "run", "table.onnx", "rows.csv", "--max-rejected", 2, "-o", "out")
    assert ["nan_output=2"] == [line.split()[1] for line in shown.splitlines() if line.startswith("warnings")]
    document = json.loads(program(capfd, "failures", "last", "--json"))
    assert [{"code": "nan_output", "column": "y", "rows": 2}] == document["warnings"]
    assert {("model_refused", 1), ("bad_value", 1)} == {(r["code"], r["rows"]) for r in document["rejects"]}
    people = program(capfd, "failures", "last")
    assert "1 row rejected: model_refused\n" in people
    assert f"{tmp_path / 'rows.csv'}:4  " in people
    assert "2 rows with nan_output in column y\n" in people
    assert "\x1b" not in people
    assert {"nan_output": 2} == json.loads(program(capfd, "status", "last", "--json"))["warnings"]
