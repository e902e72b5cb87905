"""One value, one verdict: what a Parquet value becomes in a column of each type."""

import math
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scoring.core.columns import Dtype
from scoring.core.options import CsvDialect
from scoring.data.arrays import number_array
from scoring.data.cast import cast_native, cast_text
from tests.unit.data.conftest import feature

F16, F32, F64 = Dtype.FLOAT16, Dtype.FLOAT32, Dtype.FLOAT64
I8, I64, U8, U64, BOOL, TEXT = Dtype.INT8, Dtype.INT64, Dtype.UINT8, Dtype.UINT64, Dtype.BOOL, Dtype.STRING
MONEY, LONG, FINE = pa.decimal128(9, 2), pa.decimal128(38, 0), pa.decimal128(38, 30)

CELLS = [
    # type in the file, value, type wanted, value or code of the reject
    (pa.float64(), 1.0, I64, 1),
    (pa.float64(), 1.5, I64, "bad_value"),
    (pa.float64(), 1e19, I64, "out_of_range"),
    (pa.float64(), 2.0**63, I64, "out_of_range"),
    (pa.float64(), -(2.0**63), I64, -(2**63)),
    (pa.float64(), 1e39, F32, "out_of_range"),
    (pa.float64(), 65_520.0, F16, "out_of_range"),
    (pa.float64(), 65_519.0, F16, 65_504.0),
    (pa.float64(), math.inf, F64, "out_of_range"),
    (pa.float64(), math.nan, F32, math.nan),
    (pa.float64(), math.inf, I8, "out_of_range"),
    (pa.float64(), math.nan, I8, "null_value"),
    (pa.float64(), math.nan, BOOL, "null_value"),
    (pa.float64(), 0.1, F32, float(np.float32(0.1))),
    (pa.float16(), np.float16(1.5), F32, 1.5),
    (pa.int64(), 128, I8, "out_of_range"),
    (pa.int64(), -1, U64, "out_of_range"),
    (pa.uint64(), 2**64 - 1, U64, 2**64 - 1),
    (pa.uint64(), 2**63, I64, "out_of_range"),
    (pa.int32(), 2, BOOL, "bad_value"),
    (pa.int32(), 1, BOOL, True),
    (pa.float32(), 0.0, BOOL, False),
    (pa.bool_(), True, F32, 1.0),
    (pa.bool_(), True, U8, 1),
    (pa.int64(), 7, TEXT, "7"),
    (MONEY, Decimal("-0.05"), F32, float(np.float32("-0.05"))),
    (MONEY, Decimal("1.10"), F64, 1.1),
    (MONEY, Decimal("12.00"), I8, 12),
    (MONEY, Decimal("-0.50"), U8, "bad_value"),
    (MONEY, Decimal("300.00"), U8, "out_of_range"),
    (MONEY, Decimal("1.00"), BOOL, True),
    (LONG, Decimal(2**53 + 1), I64, 2**53 + 1),
    (LONG, Decimal(2**53 + 1), F64, "out_of_range"),
    (LONG, Decimal("1e30"), U64, "out_of_range"),
    (FINE, Decimal(0), I64, 0),
    (FINE, Decimal("1e-20"), F64, 1e-20),
    (FINE, Decimal("1e-20"), I64, "bad_value"),
]


@pytest.mark.parametrize(("kind", "value", "dtype", "expected"), CELLS)
def test_a_value_is_cast_exactly_or_its_row_rejected(split_all, tmp_path: Path, kind, value, dtype, expected):
    """Whole numbers exactly or not at all, floats and decimals rounded once; the same of a dictionary."""
    plain = pa.array([value, None], kind)
    columns = [plain] if kind == pa.float16() else [plain, plain.dictionary_encode()]
    for column in columns:
        pq.write_table(pa.table({"a": column}), tmp_path / "in.parquet")
        found = split_all([tmp_path / "in.parquet"], [feature("a", dtype)])
        first = found.rejects[0]["code"] if 0 not in found.rows else found.cells[0][0]
        assert str(expected) == str(first)


def test_what_stands_beneath_a_null_is_nobodys_business():
    """Buffers may hold anything where a value is null: it is neither parsed, rejected nor counted."""
    nulls = np.array([True, False])
    numbers = number_array(np.array([2**60 + 1, 7]), nulls)
    for dtype in (F32, I8):
        cast = cast_native(numbers, dtype)
        assert [None, 7] == cast.array.to_pylist()
        assert not (cast.bad | cast.wide).any()
        assert cast.inexact is None
    text = pa.array(["9007199254740993", "7"])
    validity = pa.py_buffer(np.packbits(~nulls, bitorder="little"))
    hidden = pa.StringArray.from_buffers(2, *text.buffers()[1:], null_bitmap=validity)
    for dtype in (F64, I8):
        cast = cast_text(hidden, dtype, CsvDialect())
        assert [None, 7] == cast.array.to_pylist()
        assert not (cast.bad | cast.wide).any()
        assert cast.inexact is None
