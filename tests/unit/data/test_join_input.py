"""The input beside its scores: which rows meet, and what shows that the input is another one."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.core.errors import InputRefused
from scoring.core.options import CsvDialect
from scoring.data.inputs import expand_inputs
from scoring.data.join_input import InputJoin, JoinedInput


def result_of(rows: Sequence[int], **columns: Any) -> pa.Table:
    return pa.table({"_row": pa.array(rows, pa.int64()), **columns, "score": [row / 10 for row in rows]})


def joined(
    result: pa.Table, *paths: Path, dialect: CsvDialect | None = None, batch_rows: int = 3, **changes: Any
) -> tuple[list[dict[str, Any]], InputJoin]:
    facts: dict[str, Any] = {"carried": ("id",), "rows": None, "limit": None} | changes
    files = expand_inputs([str(path) for path in paths])
    join = InputJoin(result.schema, JoinedInput(files=files, dialect=dialect or CsvDialect(), **facts))
    batches = list(join.batches(result.to_batches(max_chunksize=batch_rows)))
    return pa.Table.from_batches(batches, join.schema).to_pylist(), join


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "a.csv"
    path.write_text('id,note\na, 1.50\nb,"x\ny"\nc\nd,\ne,=1\n')
    return path


def test_csv_columns_stand_beside_the_scores_as_they_are_written(csv: Path) -> None:
    """Text stays byte for byte; the short row, which no job scores, counts as a row and is left out."""
    rows, join = joined(result_of([0, 1, 3, 4], id=["a", "b", "d", "e"]), csv, rows=5)
    assert [
        {"_row": 0, "id": "a", "score": 0.0, "note": " 1.50"},
        {"_row": 1, "id": "b", "score": 0.1, "note": "x\ny"},
        {"_row": 3, "id": "d", "score": 0.3, "note": ""},
        {"_row": 4, "id": "e", "score": 0.4, "note": "=1"},
    ] == rows
    assert 1 == join.unscored


def test_parquet_columns_keep_their_types(tmp_path: Path) -> None:
    """Dictionaries, lists and times come out as they went in, over several files."""
    table = pa.table(
        {
            "id": pa.array(["a", "b", "c", "d"]).dictionary_encode(),
            "vector": [[1.0], [2.0], None, [float("nan")]],
            "at": pa.array([1, 2, 3, 4], pa.timestamp("ns")),
        }
    )
    for number in range(2):
        pq.write_table(table.slice(2 * number, 2), tmp_path / f"{number}.parquet", row_group_size=1)
    result = result_of([0, 3], id=pa.array(["a", "d"]).dictionary_encode())
    files = expand_inputs([str(tmp_path / "0.parquet"), str(tmp_path / "1.parquet")])
    facts = JoinedInput(files=files, dialect=CsvDialect(), carried=("id",), rows=4, limit=None)
    join = InputJoin(result.schema, facts)
    found = pa.Table.from_batches(list(join.batches(result.to_batches())), join.schema)
    assert table.schema.field("vector").type == found.schema.field("vector").type
    assert table.column("at").take([0, 3]).to_pylist() == found.column("at").to_pylist()


def test_files_may_name_their_columns_in_another_order(tmp_path: Path) -> None:
    """A column that one of the files lacks is null for its rows."""
    (tmp_path / "a.csv").write_text("id,x\na,1\n")
    (tmp_path / "b.csv").write_text("y,id\n2,b\n")
    rows, _ = joined(result_of([0, 1], id=["a", "b"]), tmp_path / "a.csv", tmp_path / "b.csv")
    assert [("1", None), (None, "2")] == [(row["x"], row["y"]) for row in rows]


def test_only_the_first_rows_of_a_limited_job_are_asked_for(csv: Path) -> None:
    """What lies behind `--limit` belongs to nobody, and its number proves nothing."""
    rows, join = joined(result_of([0, 1], id=["a", "b"]), csv, rows=2, limit=2)
    assert (2, 0) == (len(rows), join.unscored)


def test_a_column_that_the_model_names_too_stands_once(tmp_path: Path) -> None:
    """The result's own is shown; the other one is said to be left out, and need not be the same."""
    (tmp_path / "a.csv").write_text("id,score\na,9\n")
    rows, join = joined(result_of([0], id=["a"]), tmp_path / "a.csv")
    assert [{"_row": 0, "id": "a", "score": 0.0}] == rows
    assert ["score"] == join.hidden


@pytest.mark.parametrize(
    ("rows", "result", "words"),
    [
        pytest.param(6, [0, 1, 3, 4], ("6 rows", "5 rows"), id="the job read more"),
        pytest.param(4, [0, 1, 3], ("4 rows", "5 rows"), id="the job read fewer"),
        pytest.param(9, [0, 8], ("9 rows", "5 rows"), id="a scored row lies behind the end"),
        pytest.param(5, [0, 2], ("row 2", "short"), id="a scored row is no row of the file"),
    ],
)
def test_an_input_of_another_length_is_refused(csv: Path, rows: int, result: list[int], words: tuple[str, str]) -> None:
    """Both counts are named."""
    with pytest.raises(InputRefused) as refusal:
        joined(result_of(result), csv, rows=rows)
    assert all(word in str(refusal.value) for word in words)


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        (["a", "b", "X", "e"], "'X' in row 3; got 'd'"),
        ([1, 2, 3, 4], "1 in row 0; got 'a'"),
        (["a", None, "d", "e"], "None in row 1; got 'b'"),
    ],
)
def test_a_carried_column_that_differs_is_refused(csv: Path, ids: list[Any], words: str) -> None:
    """The first differing row is named with both values."""
    with pytest.raises(InputRefused, match="column 'id' differs") as refusal:
        joined(result_of([0, 1, 3, 4], id=ids), csv)
    assert words in str(refusal.value)


def test_the_same_nan_is_no_difference(tmp_path: Path) -> None:
    """A carried float may be NaN or null on both sides."""
    table = pa.table({"id": pa.array([float("nan"), None, -0.0], pa.float64())})
    pq.write_table(table, tmp_path / "a.parquet")
    rows, _ = joined(result_of([0, 1, 2], id=table["id"]), tmp_path / "a.parquet")
    assert 3 == len(rows)


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    """Which of them should stand beside the scores is not guessed."""
    (tmp_path / "a.csv").write_text("id,x,x\na,1,2\n")
    with pytest.raises(InputRefused, match="same name"):
        joined(result_of([0]), tmp_path / "a.csv")


@settings(max_examples=40, deadline=None)
@given(
    scored=st.sets(st.integers(0, 199), max_size=200),
    batch_rows=st.integers(1, 70),
    cuts=st.sets(st.integers(1, 199), max_size=6),
)
def test_every_scored_row_meets_its_own(
    tmp_path_factory: pytest.TempPathFactory, scored: set[int], batch_rows: int, cuts: set[int]
) -> None:
    """Whatever pieces the two sides come in."""
    folder = tmp_path_factory.mktemp("join")
    bounds = [0, *sorted(cuts), 200]
    for first, end in pairwise(bounds):
        lines = "".join(f"k{row},{row * row}\n" for row in range(first, end))
        (folder / f"{first:03d}.csv").write_text("id,x\n" + lines)
    rows = sorted(scored)
    found, join = joined(result_of(rows, id=[f"k{row}" for row in rows]), folder, batch_rows=batch_rows, rows=200)
    assert [(row, str(row * row)) for row in rows] == [(row["_row"], row["x"]) for row in found]
    assert 200 - len(rows) == join.unscored


def test_json_lines_stand_beside_the_scores_as_text(tmp_path: Path) -> None:
    """Numbers keep their spelling, lists are JSON; a line that no job scores counts as a row, and is left out."""
    (tmp_path / "a.jsonl").write_text('{"id": "a", "x": 1.50}\n\nnope\n{"id": "b", "x": [1, null], "y": true}\n')
    (tmp_path / "b.jsonl").write_text('{"z": null, "id": "c"}\n')
    rows, join = joined(
        result_of([0, 2, 3], id=["a", "b", "c"]), tmp_path / "a.jsonl", tmp_path / "b.jsonl", rows=4, batch_rows=1
    )
    assert [("1.50", None), ("[1,null]", "true"), (None, None)] == [(row["x"], row["y"]) for row in rows]
    assert ["_row", "id", "score", "x", "y", "z"] == join.schema.names
    assert 1 == join.unscored
