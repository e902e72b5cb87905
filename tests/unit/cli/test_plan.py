"""`scoring plan` for people."""

from pathlib import Path

import pytest

from scoring.cli.errors import run_command
from scoring.cli.main import cli
from scoring.cli.plan import size_in_words
from tests.small_models import linear_model


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 bytes"), (1_023, "1023 bytes"), (1_024, "1.0 KiB"), (2**20, "1.0 MiB"), (1_700 * 2**20, "1,700.0 MiB")],
)
def test_small_sizes_are_told_in_small_units(count: int, words: str) -> None:
    """Nothing that takes room reads as 0.0."""
    assert words == size_in_words(count)


def test_a_plan_reads_like_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Columns that are alike share a line; examples of rejects stand below the table, warnings on stderr."""
    monkeypatch.setenv("SCORING_HOME", str(tmp_path / "home"))
    model = linear_model(tmp_path / "linear.onnx", weights=[1.0] * 5)
    rows = tmp_path / "rows.csv"
    rows.write_text("id,a,b,c,d,e\n1,1,2,3,4,5\n2,1,2,3,4,1e400\n3,1,,3,4,5\n")
    assert 0 == run_command(cli, "scoring", ["plan", str(model), str(rows), str(rows), "--key", "id"])
    out, err = capsys.readouterr()
    facts = dict(line.split(maxsplit=1) for line in out.splitlines()[:5])
    assert ("6", "bytes") == (facts["rows"], facts["disk"].split()[-1])
    assert "2 of the first 6 rows would be rejected" in out
    assert "by a probe of reading and of the model" in out
    assert "a … e (5 columns)" in out
    assert "nan (1 of 15 cells sampled)" in out
    assert f"{rows}:3  out_of_range in column e: '1e400' is infinite as float32" in out
    assert f"warning: {rows} is given more than once" in err
