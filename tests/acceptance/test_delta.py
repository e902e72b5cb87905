"""`--output-format delta`: the output folder is a Delta table whose versions are jobs."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

from tests.acceptance.conftest import WriteRows
from tests.acceptance.program import Program

DELTA = ("--output-format", "delta", "--key", "id", "-o", "out")


def rows_of(folder: Path) -> int:
    found: pa.Table = DeltaTable(str(folder)).to_pyarrow_table()
    return found.num_rows


def test_a_job_is_a_version_of_the_table(program: Program, model: Path, write_rows: WriteRows) -> None:
    """The second night replaces the first; its history stays, and `--format delta` says the same."""
    out = program.folder / "out"
    program("run", model, write_rows("a.csv", 2_500), *DELTA, "--chunk-rows", 1000)
    assert (0, 2_500) == (DeltaTable(str(out)).version(), rows_of(out))
    program("run", model, write_rows("b.csv", 1_200), "--format", "delta", "--key", "id", "-o", "out", "--overwrite")
    assert (1, 1_200) == (DeltaTable(str(out)).version(), rows_of(out))
    assert pq.read_table(list(out.glob("part-*.parquet"))).num_rows == 1_200
    assert 1_200 == program.json("sql", "SELECT count(*) AS n FROM results('last')")[0]["n"]
    program("run", model, "b.csv", "-o", "out", "--overwrite")
    assert not (out / "_delta_log").exists()  # a plain result leaves no log that names files which are gone


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


def test_types_that_delta_lacks_are_refused_at_submit(program: Program, model: Path, write_rows: WriteRows) -> None:
    """The column is named; nothing was recorded."""
    source = write_rows("a.parquet", 10)
    table = pq.read_table(source)
    pq.write_table(table.append_column("number", pa.array(range(10), pa.uint64())), source)
    for command in ("plan", "run"):
        refused = program(command, model, source, *DELTA, "--keep", "number", code=4)
        assert "number (uint64)" in refused.stderr
    assert [] == program.json("jobs")


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
    refused = bare("run", model, write_rows("a.csv", 10), *DELTA, code=2)
    assert "pip install 'batch-scoring[delta]'" in refused.stderr


def test_a_table_that_its_users_changed_is_not_overwritten(
    program: Program, model: Path, write_rows: WriteRows
) -> None:
    """A version that no job made is a foreign file like any other."""
    program("run", model, write_rows("a.csv", 100), *DELTA)
    DeltaTable(str(program.folder / "out")).delete("_row = 1")
    refused = program("run", model, "a.csv", *DELTA, "--overwrite", code=4)
    assert "_delta_log" in refused.stderr
