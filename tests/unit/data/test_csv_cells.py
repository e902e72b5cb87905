"""One cell, one verdict: what a CSV cell becomes in a column of each type."""

import math

import pytest

from scoring.core.columns import ColumnSpec, Dtype, NullAction
from tests.unit.data.conftest import carried, feature

F16, F32, F64 = Dtype.FLOAT16, Dtype.FLOAT32, Dtype.FLOAT64
I8, I64, U8, BOOL, TEXT = Dtype.INT8, Dtype.INT64, Dtype.UINT8, Dtype.BOOL, Dtype.STRING

NUMBERS = [
    (F32, "1.5", 1.5),
    (F32, " 1.5 ", 1.5),
    (F32, "\t2", 2.0),
    (F32, "+1.5", 1.5),
    (F32, ".5", 0.5),
    (F32, "1e2", 100.0),
    (F32, "1e-50", 0.0),
    # 16777217.0000001 lies above the midpoint; through float64 it would be rounded twice.
    (F32, "0.1", 0.10000000149011612),
    (F32, "1.00000005960464477540", 1.0000001192092896),
    (F16, "1.5", 1.5),
    (F64, "0.1", 0.1),
    (I64, "007", 7),
    (I64, "+5", 5),
    (I64, " 5 ", 5),
    (I64, "9223372036854775807", 2**63 - 1),
    (I64, "-9223372036854775808", -(2**63)),
    (I8, "-128", -128),
    (U8, "-0", 0),
    (BOOL, "true", True),
    (BOOL, "False", False),
    (BOOL, " 1", True),
    (BOOL, "0", False),
    (TEXT, "", ""),
    (TEXT, " a ", " a "),
    (TEXT, "NA", "NA"),
    (TEXT, "007", "007"),
    (None, "nan", "nan"),
]

REFUSED = [
    (F32, "abc", "bad_value"),
    (F32, "  ", "bad_value"),
    (F32, "1_000", "bad_value"),
    (F32, "0x10", "bad_value"),
    (F32, "1.2.3", "bad_value"),
    (F32, "1e", "bad_value"),
    (F32, "true", "bad_value"),
    (F32, "NA", "bad_value"),
    (F32, "1,5", "bad_value"),
    (F32, "inf", "out_of_range"),
    (F32, "-Infinity", "out_of_range"),
    (F32, "1e400", "out_of_range"),
    (F32, "1e39", "out_of_range"),
    (F16, "70000", "out_of_range"),
    (F64, "1e400", "out_of_range"),
    (I64, "1.0", "bad_value"),
    (I64, "0x10", "bad_value"),
    (I64, "9223372036854775808", "out_of_range"),
    (I64, "1" * 60, "out_of_range"),
    (I64, "", "null_value"),
    (I8, "128", "out_of_range"),
    (U8, "-1", "out_of_range"),
    (BOOL, "yes", "bad_value"),
    (BOOL, "", "null_value"),
]


def quoted(cell: str) -> str:
    return f'"{cell}"' if "," in cell else cell


@pytest.mark.parametrize("dirty", [False, True], ids=["alone", "beside a bad row"])
@pytest.mark.parametrize(("dtype", "cell", "value"), NUMBERS)
def test_a_cell_is_read_as_the_tensor_wants_it(split_all, dtype, cell, value, dirty):
    """A cell has the same value whether or not its block holds a row that does not parse."""
    columns = [ColumnSpec(name="a", slot="a", dtype=dtype, nulls=NullAction.REJECT), feature("b")]
    found = split_all(f"a,b\n{quoted(cell)},1\n" + ("1,bad\n" if dirty else ""), columns)
    assert [(value, 1.0)] == found.cells
    assert [0] == found.rows
    assert found.rejects == [] or ["bad_value"] == [r["code"] for r in found.rejects]


@pytest.mark.parametrize("dirty", [False, True], ids=["alone", "beside a bad row"])
@pytest.mark.parametrize(("dtype", "cell", "code"), REFUSED)
def test_a_cell_that_is_no_value_rejects_its_row(split_all, dtype, cell, code, dirty):
    """The row is rejected with the code, its line and its raw text; the row beside it is kept."""
    columns = [ColumnSpec(name="a", slot="a", dtype=dtype, nulls=NullAction.REJECT), feature("b")]
    found = split_all(f"a,b\n1,7\n{quoted(cell)},1\n" + ("1,bad\n" if dirty else ""), columns)
    assert (1, 3, "a", code) == found.faults()[0]
    assert f"{quoted(cell)},1" == found.rejects[0]["raw"]
    assert 1 == len(found.cells)


@pytest.mark.parametrize("cell", ["", "nan", "NaN", '""'])
@pytest.mark.parametrize(
    ("nulls", "fill", "expected"),
    [(NullAction.NAN, None, math.nan), (NullAction.FILL, "-1.5", -1.5), (NullAction.REJECT, None, None)],
)
def test_a_null_does_what_the_rule_says(split_all, cell, nulls, fill, expected):
    """An empty cell and `nan` are null in a float column: NaN, filled, or rejected as null_value."""
    columns = [feature("a", nulls=nulls, fill=fill), carried("k")]
    found = split_all(f"a,k\n{cell},x\n2,y\n", columns)
    if expected is None:
        assert [(0, 2, "a", "null_value")] == found.faults()
    else:
        assert str(expected) == str(found.cells[0][0])
    assert (2.0, "y") == found.cells[-1]


@pytest.mark.parametrize(
    ("na", "trim", "cell", "number", "text"),
    [
        (("?",), False, "?", True, True),
        (("?",), False, " ?", True, False),
        (("?",), False, "  ?", True, False),
        (("?",), True, "  ?", True, True),
        ((" ",), False, " ", True, True),
        ((" ",), False, "  ", False, False),
        (("",), False, "", True, True),
        ((), False, "", True, False),
        (("-1",), False, "-1", True, True),
    ],
)
def test_na_names_what_is_null(split_all, na, trim, cell, number, text):
    """A value of --na is null in every column; around numbers, and with --trim around texts, blanks do not matter."""
    columns = [feature("a", nulls=NullAction.FILL, fill="9"), carried("k")]
    found = split_all(f"a,k\n{cell},{cell}\n", columns, na=na, trim=trim)
    if not number:
        assert ["bad_value"] == [reject["code"] for reject in found.rejects]
        return
    assert 9.0 == found.cells[0][0]
    assert text == (found.cells[0][1] is None)


@pytest.mark.parametrize(("cell", "value"), [('"1,5"', 1.5), ('"-1,5e3"', -1500.0), ("7", 7.0), ("1.5", None)])
@pytest.mark.parametrize("dirty", [False, True])
def test_a_decimal_comma_is_read_where_it_is_declared(split_all, cell, value, dirty):
    """With --decimal , the comma is the decimal point, and the point is none."""
    found = split_all(f"a,b\n{cell},1\n" + ("x,1\n" if dirty else ""), [feature("a")], decimal=",")
    assert ([] if value is None else [(value,)]) == found.cells


def test_a_column_can_feed_the_model_and_be_carried(split_all):
    """The feature is typed; the carried column keeps the cell byte for byte."""
    found = split_all("id\n007\n+8\n x\n", [feature("id", Dtype.INT64), carried("id")])
    assert [(7, "007"), (8, "+8")] == found.cells
    assert [(2, 4, "id", "bad_value")] == found.faults()


def test_text_that_is_no_utf8_rejects_its_row(split_all):
    """One Latin-1 byte in a text column costs its row alone."""
    found = split_all(b"k,a\nna\xc3\xafve,1\nna\xefve,2\nplain,3\n", [carried("k"), feature("a")])
    assert [("naïve", 1.0), ("plain", 3.0)] == found.cells
    assert [(1, 3, "k", "bad_encoding")] == found.faults()
    assert "0xef" in found.rejects[0]["reason"]
