"""What was decided about clean rows is counted, chunk by chunk; what may not be shown is not."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scoring.core.columns import ColumnSpec, Dtype, Lossy, NullAction
from scoring.core.conversions import Categories
from tests.unit.data.conftest import carried, feature

PLAN = Categories(codes={"free": "0"}, unknown="1")

COUNTED = [
    (feature("a"), ["1", "", "nan"], [("null_as_nan", "a", 2)]),
    (feature("a", nulls=NullAction.FILL, fill="7"), ["1", "", ""], [("null_filled", "a", 2)]),
    (feature("a", Dtype.INT64, NullAction.FILL, fill="7"), ["1", "", ""], [("null_filled", "a", 2)]),
    (feature("a", Dtype.STRING, NullAction.FILL, fill="?"), ["x", "NA", "NA"], [("null_filled", "a", 2)]),
    (feature("a", conversion=PLAN), ["free", "pro", ""], [("null_as_nan", "a", 1), ("unknown_category", "a", 1)]),
    (feature("a"), ["1", "16777217", "16777219"], [("rounded", "a", 2)]),
    (feature("a", nulls=NullAction.REJECT), ["1", "2", ""], []),
    (carried("a"), ["1", "NA", ""], []),
]


@pytest.mark.parametrize("dirty", [False, True], ids=["alone", "beside a bad row"])
@pytest.mark.parametrize(("column", "cells", "expected"), COUNTED)
def test_a_decision_is_counted_for_each_row_that_stays(split_all, column, cells, expected, dirty):
    """Each code and column has its rows, whichever way the block is read."""
    text = "a,b\n" + "".join(f"{cell},1\n" for cell in cells) + ("1,bad\n" if dirty else "")
    assert expected == split_all(text, [column, feature("b")], na=("NA",)).warnings


def test_a_row_that_is_rejected_is_not_counted(split_all):
    """Whatever else was decided about a row, it counts as rejected alone."""
    found = split_all("a,b\n,1\n,bad\n,2\n1,2,3\n,3\n", [feature("a"), feature("b")])
    assert [("null_as_nan", "a", 3)] == found.warnings


def test_a_row_counts_once_for_a_column_with_two_inputs(split_all):
    """Counts are of rows: two inputs that one column feeds make no second row."""
    twice = [feature("a"), ColumnSpec(name="a", slot="x.a2", dtype=Dtype.FLOAT64, nulls=NullAction.NAN)]
    assert [("null_as_nan", "a", 1)] == split_all("a,b\n,x\n1,y\n", twice).warnings


def test_rows_of_two_inputs_are_joined(split_all):
    """Rows that one input rounds and rows that another one rounds are the column's rows, each once."""
    narrow = feature("a", lossy=Lossy.ROUND)
    wide = ColumnSpec(name="a", slot="x.a2", dtype=Dtype.FLOAT64, nulls=NullAction.NAN, lossy=Lossy.ROUND)
    text = "a\n16777217\n9007199254740993\n1\n"
    assert [("rounded", "a", 2)] == split_all(text, [narrow, wide]).warnings
    assert [("rounded", "a", 2)] == split_all(text, [wide, narrow]).warnings


def test_each_chunk_counts_its_own_rows(split_all):
    """A block that holds the rows of several chunks shares its counts out, rejects left out."""
    found = split_all("a,b\n,1\n,x\n1,1\n,1\n,1\n2,1\n", [feature("a"), feature("b")], chunk_rows=2)
    counts = [[(count.column, count.rows) for count in chunk.warning_counts] for chunk in found.chunks]
    assert [[("a", 1)], [("a", 1)], [("a", 1)]] == counts


@pytest.mark.parametrize("chunk_rows", [1000, 2], ids=["referenced", "copied"])
def test_parquet_rows_are_counted_where_they_are_read(split_all, tmp_path: Path, chunk_rows):
    """References have no counts of their own; what reads them counts."""
    table = pa.table({"a": pa.array([1.0, None, float("nan"), 2.0]), "b": ["x", None, "y", "z"]})
    pq.write_table(table, tmp_path / "in.parquet")
    columns = [feature("a"), feature("b", Dtype.STRING, NullAction.FILL, fill="?")]
    found = split_all([tmp_path / "in.parquet"], columns, chunk_rows=chunk_rows)
    assert [("null_as_nan", "a", 2), ("null_filled", "b", 1)] == found.warnings


SECRETS = [
    ("a", feature("a"), "s3cret"),
    ("a", feature("a"), "1e4000"),
    ("a", feature("a", Dtype.INT8), "1234567"),
    ("a", feature("a", Dtype.FLOAT64), "9007199254740993"),
    ("a", feature("a", conversion=Categories(codes={"1": "1"})), "s3cret"),
    ("a", feature("a", Dtype.STRING), "s3cr\udcffet"),
    ("", feature("a"), "1,s3cret"),
]


@pytest.mark.parametrize(("column", "spec", "cell"), SECRETS)
def test_rejects_show_nothing_of_a_row_that_may_not_be_shown(split_all, column, spec, cell):
    """Without raw, a reject says where and why, and no value: neither its own nor that of a neighbour."""
    text = f"a,k\n1,known\n{cell},hidden\n".encode("utf-8", "surrogateescape")
    shown, hidden = (split_all(text, [spec, carried("k")], raw=raw).rejects[0] for raw in (True, False))
    assert [column, shown["code"], ""] == [hidden["column"], hidden["code"], hidden["raw"]]
    assert not any(part in hidden["reason"] for part in (cell, "s3cr", "hidden", "0xff"))
    assert "hidden" in shown["raw"]


@pytest.mark.parametrize("chunk_rows", [1000, 1], ids=["referenced", "copied"])
def test_rejects_of_parquet_show_nothing_either(split_all, tmp_path: Path, chunk_rows):
    """The same holds for rows that are read where they lie, and for those that are copied."""
    pq.write_table(pa.table({"a": [1, 300], "k": ["known", "hidden"]}), tmp_path / "in.parquet")
    specs = [feature("a", Dtype.INT8), carried("k")]
    found = split_all([tmp_path / "in.parquet"], specs, chunk_rows=chunk_rows, raw=False)
    assert ["", "the value does not fit into int8"] == [found.rejects[0]["raw"], found.rejects[0]["reason"]]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1, 2**60 + 1], pa.timestamp("ns")),
        pa.array([1, 2**62], pa.timestamp("ms", "Europe/Berlin")),
        pa.array([1, 2**31 - 1], pa.date32()),
        pa.array([1, 2**40 + 7], pa.duration("ns")),
    ],
)
def test_dates_of_any_size_show_in_a_reject(split_all, tmp_path: Path, column):
    """A date beyond Python's calendar, or finer than its microseconds, is shown and breaks nothing."""
    pq.write_table(pa.table({"a": [1, 300], "k": column}), tmp_path / "in.parquet")
    found = split_all([tmp_path / "in.parquet"], [feature("a", Dtype.INT8), carried("k")], chunk_rows=1)
    assert found.rejects[0]["raw"].startswith("a=300, k=")
