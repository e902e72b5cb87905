"""S16: a job writes into its own output and nowhere else, over nobody's file, readable by whom it should be."""

import stat
from pathlib import Path

import pyarrow as pa
import pytest

from scoring.core.errors import InputRefused, OutputRefused
from scoring.data.outputs import check_output
from scoring.data.parts import promote, stage_part, stage_rejects
from tests.acceptance.program import Program
from tests.small_models import churn_model

ROWS = pa.table({"_row": [0]})
METADATA = {"scoring.job_id": "00000000000000ab"}


def stage(output: Path) -> object:
    return stage_part(output, 0, 1, ROWS, metadata=METADATA)


def test_an_output_lies_in_the_allowed_folders_by_its_real_path(tmp_path: Path) -> None:
    """Links and dots lead nobody out of SCORING_OUTPUT_ROOTS."""
    (tmp_path / "allowed").mkdir()
    (tmp_path / "allowed/way").symlink_to(tmp_path)
    roots = [str(tmp_path / "allowed")]
    check_output(tmp_path / "allowed/new", roots=roots)
    for output in (tmp_path / "new", tmp_path / "allowed/../new", tmp_path / "allowed/way/new"):
        with pytest.raises(InputRefused, match="SCORING_OUTPUT_ROOTS"):
            check_output(output, roots=roots)


@pytest.mark.parametrize("name", ["_staging", "_rejects", "inner"])
def test_a_link_in_the_output_is_a_foreign_file(tmp_path: Path, name: str) -> None:
    """It would lead what the job writes to another place."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).symlink_to(tmp_path)
    with pytest.raises(OutputRefused, match="no job wrote"):
        check_output(tmp_path / "out")


@pytest.mark.parametrize("link", ["_staging", f"_staging/{METADATA['scoring.job_id']}"])
def test_a_link_that_appears_while_the_job_runs_is_not_followed(tmp_path: Path, link: str) -> None:
    """Whoever may write to the output cannot make a worker write where only the worker may."""
    target = tmp_path / "elsewhere"
    target.mkdir()
    (tmp_path / "out" / link).parent.mkdir(parents=True)
    (tmp_path / "out" / link).symlink_to(target)
    with pytest.raises(OutputRefused, match="is a link"):
        stage(tmp_path / "out")
    assert [] == list(target.iterdir())


def test_a_link_in_place_of_rejects_is_not_followed(tmp_path: Path) -> None:
    """A committed file is not moved out of the output."""
    staged = stage_rejects(tmp_path / "out", 0, 1, ROWS, metadata=METADATA)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out/_rejects").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputRefused, match="is a link"):
        promote(tmp_path / "out", staged)
    assert [] == list((tmp_path / "elsewhere").iterdir())


def test_a_staged_name_that_is_a_link_is_replaced_not_followed(tmp_path: Path) -> None:
    """The file behind it keeps its bytes."""
    victim, folder = tmp_path / "victim", tmp_path / "out/_staging" / METADATA["scoring.job_id"]
    victim.write_text("precious")
    folder.mkdir(parents=True)
    (folder / "part-000000.1.parquet.tmp").symlink_to(victim)
    stage(tmp_path / "out")
    assert "precious" == victim.read_text()


@pytest.mark.parametrize(
    "mask", [pytest.param(0o000, marks=pytest.mark.exhaustive), 0o077], ids=["umask 000", "umask 077"]
)
def test_who_may_read_what(tmp_path: Path, mask: int) -> None:
    """Results follow the umask; rejects and the ledger are the owner's alone, whatever it is."""
    churn_model(tmp_path / "churn.onnx")
    (tmp_path / "rows.csv").write_text("age,plan\n31,free\nold,pro\n")
    run = Program(tmp_path).start("run", "churn.onnx", "rows.csv", "-o", "out", "--max-rejected", 1, umask=mask)
    assert 0 == run.wait(60), run.communicate()
    modes = {
        str(path.relative_to(tmp_path)): stat.S_IMODE(path.stat().st_mode)
        for path in (*(tmp_path / "out").rglob("*.*"), *(tmp_path / "home").glob("ledger.db*"))
    }
    assert 0o666 & ~mask == modes["out/part-000000.parquet"] == modes["out/_manifest.json"]
    private = {name: mode for name, mode in modes.items() if "_rejects/" in name or "ledger.db" in name}
    assert {"out/_rejects/part-000000.parquet", "home/ledger.db"} <= set(private)
    assert {0o600} == set(private.values()), private
