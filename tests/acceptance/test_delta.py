"""`--output-format delta`: the output folder is a Delta table whose versions are jobs."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from tests.acceptance.conftest import WriteRows
from tests.acceptance.program import Program

DELTA = ("--output-format", "delta", "--key", "id", "-o", "out")


def rows_of(folder: Path) -> int:
    found: pa.Table = DeltaTable(str(folder)).to_pyarrow_table()
    return found.num_rows


def test_a_job_is_a_version_of_the_table(program: Program, model: Path, write_rows: WriteRows) -> None:
    """The second night replaces the first and its history stays, until a user has committed: then it is theirs."""
    out = program.folder / "out"
    program("run", model, write_rows("a.csv", 2_500), *DELTA, "--chunk-rows", 1000)
    assert (0, 2_500) == (DeltaTable(str(out)).version(), rows_of(out))
    program("run", model, write_rows("b.csv", 1_200), "--format", "delta", "--key", "id", "-o", "out", "--overwrite")
    assert (1, 1_200) == (DeltaTable(str(out)).version(), rows_of(out))
    assert 1_200 == pq.read_table(list(out.glob("part-*.parquet"))).num_rows
    DeltaTable(str(out)).delete("_row = 1")
    assert "_delta_log" in program("run", model, "a.csv", *DELTA, "--overwrite", code=4).stderr


@pytest.mark.exhaustive
def test_a_finalize_that_is_killed_after_the_commit_makes_no_second_version(
    program: Program, model: Path, write_rows: WriteRows
) -> None:
    """What the ledger has not heard of is done again, and the log knows that it was done."""
    killer = program.folder / "killer"
    killer.mkdir()
    (killer / "sitecustomize.py").write_text(
        "import os, signal\n"
        "from scoring.data import manifest\n"
        "manifest.write_manifest = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    program.with_settings(PYTHONPATH=str(killer))("run", model, write_rows("a.csv", 500), *DELTA, code=-9)
    out = program.folder / "out"
    assert (0, 500) == (DeltaTable(str(out)).version(), rows_of(out))
    assert not (out / "_SUCCESS").exists()
    program("resume", "last")
    assert (out / "_SUCCESS").exists()
    assert (0, 500) == (DeltaTable(str(out)).version(), rows_of(out))
    program("run", model, "a.csv", "-o", "out", "--overwrite")
    assert not (out / "_delta_log").exists()  # a plain result leaves no log that names files which are gone


def test_types_that_delta_lacks_are_refused_at_submit(program: Program, model: Path, write_rows: WriteRows) -> None:
    """The column is named, and no folder was made."""
    source = write_rows("a.parquet", 10)
    table = pq.read_table(source)
    pq.write_table(table.append_column("number", pa.array(range(10), pa.uint64())), source)
    assert "number (uint64)" in program("run", model, source, *DELTA, "--keep", "number", code=4).stderr
    assert not (program.folder / "out").exists()


def test_without_the_extra_it_is_refused_with_the_remedy(program: Program, model: Path, write_rows: WriteRows) -> None:
    """Before a row is scored, on the host that submits."""
    hidden = program.folder / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(
        "import importlib.util\n"
        "found = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *more: None if name == 'deltalake' else found(name, *more)\n"
    )
    bare = program.with_settings(PYTHONPATH=str(hidden))
    assert "pip install 'batch-scoring[delta]'" in bare("run", model, write_rows("a.csv", 10), *DELTA, code=2).stderr
