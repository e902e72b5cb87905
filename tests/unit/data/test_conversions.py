"""What model.yaml declares of a column is done to each cell alone, and alike in CSV and in Parquet."""

import math
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scoring.core.columns import ColumnSpec, Dtype, NullAction
from scoring.core.conversions import Categories, Moment, Scale, TimeUnit
from tests.unit.data.conftest import feature

PLANS = {"free": "0", "pro": "1", "été": "2"}
DAYS = Moment(unit=TimeUnit.DAYS, since="2024-01-01")


def converted(conversion, dtype: Dtype = Dtype.FLOAT32, **more) -> list[ColumnSpec]:
    return [feature("a", dtype, conversion=conversion, **more)]


CSV_CELLS = [
    # conversion, cell, value or code of the reject, reason
    (Categories(codes=PLANS), "pro", 1.0, "a listed value"),
    (Categories(codes=PLANS), "été", 2.0, "beyond ASCII"),
    (Categories(codes=PLANS), '"pro"', 1.0, "unquoted"),
    (Categories(codes=PLANS), " pro", "bad_value", "text is compared byte for byte"),
    (Categories(codes=PLANS), "Pro", "bad_value", "case counts"),
    (Categories(codes=PLANS, unknown="-1"), "Pro", -1.0, "the code of unknown values"),
    (Categories(codes=PLANS, unknown="-1"), "", math.nan, "an empty cell is null, not unknown"),
    (Categories(codes={"": "7"}), "", 7.0, "unless the empty text is listed"),
    (Categories(codes={"7": "1"}), "07", "bad_value", "CSV text is no number"),
    (DAYS, "2024-01-11", 10.0, "a date"),
    (DAYS, " 2024-01-11 ", 10.0, "without the blanks around, as a number"),
    (DAYS, "2023-12-31T18:00:00", -0.25, "a time before `since`"),
    (DAYS, "", math.nan, "null"),
    (DAYS, "  ", "bad_value", "blanks are not empty"),
    (DAYS, "2024-02-30", "bad_value", "no such day"),
    (DAYS, "01.02.2024", "bad_value", "another format is never guessed"),
    (DAYS, "2024-01-11T00:00Z", "bad_value", "a zone where `since` has none"),
    (Scale(factor=0.5, offset=1), "3", 2.5, "value times factor plus offset"),
    (Scale(factor=0.5), "abc", "bad_value", "no number"),
    (Scale(factor=0), "inf", "out_of_range", "infinite before it is scaled"),
    (Scale(factor=1e300), "1e300", "out_of_range", "infinite once it is scaled"),
    (Scale(), "9007199254740993", "out_of_range", "float64 does not hold it"),
    (Scale(factor=0.5), "", math.nan, "null"),
]


@pytest.mark.parametrize("dirty", [False, True], ids=["alone", "beside a bad row"])
@pytest.mark.parametrize(("conversion", "cell", "expected", "_reason"), CSV_CELLS)
def test_a_csv_cell_is_converted_or_its_row_rejected(split_all, conversion, cell, expected, _reason, dirty):
    """A cell has one fate, whether or not its block holds a row that does not parse."""
    columns = [*converted(conversion), feature("b")]
    found = split_all(f"a,b\n{cell},1\n" + ("x,bad\n" if dirty else ""), columns)
    if isinstance(expected, str):
        assert (0, 2, "a", expected) == found.faults()[0]
    else:
        assert str(expected) == str(found.cells[0][0])


PARQUET_CELLS = [
    (Categories(codes={"7": "1"}), pa.array([7, None]), [1.0, math.nan], "whole numbers in plain decimal"),
    (Categories(codes={"7": "1"}), pa.array([7, 8], pa.uint8()), [1.0, "bad_value"], "not listed"),
    (Categories(codes={"true": "1"}, unknown="0"), pa.array([True, False]), [1.0, 0.0], "bools"),
    (Categories(codes=PLANS), pa.array(["pro", ""], pa.large_string()), [1.0, "bad_value"], "an empty text is one"),
    (
        Categories(codes=PLANS),
        pa.array(["pro", None, "pro", "x"]).dictionary_encode(),
        [1.0, math.nan, 1.0, "bad_value"],
        "dictionaries",
    ),
    (Categories(codes=PLANS), pa.array([None, None], pa.string()), [math.nan, math.nan], "nulls alone"),
    (DAYS, pa.array([19_733, None], pa.date32()), [10.0, math.nan], "a date"),
    (DAYS, pa.array([1_704_067_200_000_000_001], pa.timestamp("ns")), [1 / 86_400e9], "a nanosecond of the day"),
    (DAYS, pa.array(["2024-01-11", "x"]), [10.0, "bad_value"], "text"),
    (Scale(factor=2), pa.array([1, None, 2**53 + 1]), [2.0, math.nan, "out_of_range"], "whole numbers"),
]


@pytest.mark.parametrize("chunk_rows", [1000, 1], ids=["referenced", "copied"])
@pytest.mark.parametrize(("conversion", "column", "expected", "_reason"), PARQUET_CELLS)
def test_a_parquet_cell_is_converted_or_its_row_rejected(
    split_all, tmp_path: Path, conversion, column, expected, _reason, chunk_rows
):
    """Values of each type become the same, whether the rows are read where they lie or copied."""
    pq.write_table(pa.table({"a": column}), tmp_path / "in.parquet")
    found = split_all([tmp_path / "in.parquet"], converted(conversion, Dtype.FLOAT64), chunk_rows=chunk_rows)
    fates = dict(zip(found.rows, (cells[0] for cells in found.cells), strict=True))
    fates |= {reject["_row"]: reject["code"] for reject in found.rejects}
    assert str(expected) == str([fates[row] for row in range(len(column))])


def test_categories_feed_texts_and_whole_numbers(split_all):
    """Codes are of the tensor's type, whatever it is."""
    text = converted(Categories(codes={"m": "male"}, unknown="other"), Dtype.STRING)
    assert [("male",), ("other",)] == split_all("a\nm\nx\n", text).cells
    whole = converted(Categories(codes={"m": "1"}, unknown="-1"), Dtype.INT64)
    assert [(1,), (-1,)] == split_all("a\nm\nx\n", whole).cells


def test_blanks_around_categories_go_with_trim(split_all):
    """--trim and --na hold for the text of a category too."""
    columns = converted(Categories(codes=PLANS), nulls=NullAction.FILL, fill="9")
    assert [(1.0,), (9.0,)] == split_all("a\n pro\t\n ? \n", columns, trim=True, na=("?",)).cells


def test_a_column_feeds_two_inputs_in_two_ways(split_all):
    """One column may be a number, a category and a scaled number at once."""
    columns = [
        ColumnSpec(name="a", slot="x.a", dtype=Dtype.INT64, nulls=NullAction.REJECT),
        ColumnSpec(name="a", slot="x.a2", dtype=Dtype.FLOAT32, conversion=Categories(codes={"07": "1"}, unknown="0")),
        ColumnSpec(name="a", slot="x.a3", dtype=Dtype.FLOAT32, conversion=Scale(factor=0.5)),
    ]
    assert [(7, 1.0, 3.5), (7, 0.0, 3.5)] == split_all("a\n07\n7\n", columns).cells


def test_reasons_name_the_value(split_all):
    """A rejected row says which value was none, and of what."""
    found = split_all("a\nx\n", converted(Categories(codes=PLANS)))
    assert "'x' is none of the categories" == found.rejects[0]["reason"]
    found = split_all("a\n1.2.24\n", converted(Moment(unit=TimeUnit.DAYS, format="%d.%m.%Y")))
    assert "'1.2.24' is no date or time as '%d.%m.%Y'" == found.rejects[0]["reason"]
