"""Taking a result away: whole or not at all, with the input beside it where that is asked for."""

import csv
import json
import os
import signal
from pathlib import Path

import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from tests.acceptance.conftest import WriteRows, customers
from tests.acceptance.program import Program
from tests.small_models import churn_model
from tests.waiting import wait_for

ROWS = 5_000


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """One home for all that only look: to score takes longer than to look."""
    return Program(tmp_path_factory.mktemp("export"))


@pytest.fixture(scope="module")
def scored(program: Program) -> Path:
    """A CSV input that was scored in several chunks; row 2 has a cell too many."""
    source = program.folder / "rows.csv"
    pa_csv.write_csv(customers(ROWS), source)
    lines = source.read_text().splitlines(keepends=True)
    lines[3] = lines[3].replace("\n", ",9\n")
    source.write_text("".join(lines))
    model = churn_model(program.folder / "churn.onnx")
    program("run", model, source, "--key", "id", "--chunk-rows", "1000")
    return source


def test_the_input_stands_beside_the_scores(program: Program, scored: Path) -> None:
    """In input order, in the words of the file; the rejected row is left out and counted."""
    done = program("results", "last", "--join", "rows.csv", "-o", "out.csv")
    with (program.folder / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    expected = customers(ROWS).to_pylist()
    del expected[2]
    assert [row["id"] for row in expected] == [row["id"] for row in rows]
    assert [row["plan"] for row in expected] == [row["plan"] for row in rows]
    assert f"{ROWS - 1:,} rows in out.csv" in done.stderr
    assert "1 rows of the input have no score" in done.stderr


def test_a_joined_table_is_shown_too(program: Program, scored: Path) -> None:
    """`--limit` reads no further than it must."""
    rows = program.json("results", "last", "--join", scored, "--limit", 2)
    assert [0, 1] == [row["_row"] for row in rows]
    assert {"id", "age", "plan", "label", "probabilities_1"} <= set(rows[0])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(lambda lines: lines[:-1], ("5,000 rows", "4,999 rows"), id="a row fewer"),
        pytest.param(lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], ("'id' differs", "row 0"), id="a swap"),
    ],
)
def test_another_input_is_refused_and_nothing_is_left(
    program: Program, scored: Path, change: object, words: tuple[str, str]
) -> None:
    """Exit 4, the difference in words, no file under the name that was asked for, nor beside it."""
    other = program.folder / "other.csv"
    other.write_text("".join(change(scored.read_text().splitlines(keepends=True))))  # type: ignore[operator]
    done = program("results", "last", "--join", other, "-o", "refused.parquet", code=4)
    assert all(word in done.stderr for word in words)
    assert [] == [path.name for path in program.folder.iterdir() if "refused" in path.name]


def test_a_touched_input_is_taken_with_a_word(program: Program, scored: Path) -> None:
    """A copy back from an archive has another time; that alone is no reason to refuse."""
    os.utime(scored)
    done = program("results", "last", "--join", "-o", "out.jsonl")
    assert "not as the job saw it" in done.stderr
    first = json.loads((program.folder / "out.jsonl").read_text().splitlines()[0])
    assert "c0000000" == first["id"]


def test_inputs_outside_the_roots_are_not_read(program: Program, scored: Path, tmp_path: Path) -> None:
    """INPUT_ROOTS holds for what is joined as for what is scored."""
    (tmp_path / "allowed").mkdir()
    walled = program.with_settings(SCORING_INPUT_ROOTS=str(tmp_path / "allowed"))
    assert "lies outside" in walled("results", "last", "--join", code=4).stderr


@pytest.mark.exhaustive
def test_a_killed_export_leaves_no_torn_file(tmp_path: Path, write_rows: WriteRows) -> None:
    """The name that was asked for holds the file before, whole; Parquet columns keep their types."""
    program = Program(tmp_path)
    source = write_rows("rows.parquet", 100_000, row_group_size=30_000)
    program("run", churn_model(tmp_path / "churn.onnx"), source, "--key", "id", "--chunk-rows", 20_000)
    program("results", "last", "--join", source, "-o", "out.parquet")
    columns = customers(1).column_names
    assert customers(100_000).equals(pq.read_table(tmp_path / "out.parquet").select(columns))
    (tmp_path / "out.jsonl").write_text("before")
    export = program.start("results", "last", "--join", "-o", "out.jsonl")
    wait_for(lambda: any(path.stat().st_size for path in tmp_path.glob(".out.jsonl.*.tmp")), "the first rows")
    export.send_signal(signal.SIGKILL)
    export.communicate()
    assert "before" == (tmp_path / "out.jsonl").read_text()
