"""No whole number passes through a float type in silence."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.core.columns import Dtype, Lossy
from scoring.data.exact import EXACT_BITS, inexact_integers, inexact_text
from tests.unit.data.conftest import feature

F16, F32, F64 = Dtype.FLOAT16, Dtype.FLOAT32, Dtype.FLOAT64

FATES = [
    # dtype, value, fate without --lossy, with round, with reject
    (F32, 2**24, "exact", "exact", "exact"),
    (F32, 2**24 + 1, "rounded", "rounded", "out_of_range"),
    (F32, -(2**24) - 1, "rounded", "rounded", "out_of_range"),
    (F32, 2**53 - 1, "rounded", "rounded", "out_of_range"),
    (F32, 2**53, "exact", "exact", "exact"),
    (F32, 2**53 + 1, "out_of_range", "rounded", "out_of_range"),
    (F32, 2**60, "exact", "exact", "exact"),
    (F64, 2**53 + 1, "out_of_range", "rounded", "out_of_range"),
    (F64, -(2**53) - 1, "out_of_range", "rounded", "out_of_range"),
    (F64, 2**53 + 2, "exact", "exact", "exact"),
    (F64, 2**63 - 1, "out_of_range", "rounded", "out_of_range"),
    (F64, -(2**63), "exact", "exact", "exact"),
    (F64, 2**64 - 1, "out_of_range", "rounded", "out_of_range"),
    (F16, 2048, "exact", "exact", "exact"),
    (F16, 2049, "rounded", "rounded", "out_of_range"),
    (F16, 70_000, "out_of_range", "out_of_range", "out_of_range"),
]


def fate(found) -> str:
    """Of row 0."""
    code = next((reject["code"] for reject in found.rejects if reject["_row"] == 0), None)
    return code or ("rounded" if ("rounded", "a", 1) in found.warnings else "exact")


@pytest.mark.parametrize("lossy", [None, Lossy.ROUND, Lossy.REJECT])
@pytest.mark.parametrize(("dtype", "value", "plain", "rounded", "rejected"), FATES)
def test_a_whole_number_is_held_counted_or_rejected(
    split_all, tmp_path: Path, lossy, dtype, value, plain, rounded, rejected
):
    """In CSV beside clean and dirty rows, in Parquet, and in dictionaries: one number has one fate."""
    columns = [feature("a", dtype, lossy=lossy)]
    expected = {None: plain, Lossy.ROUND: rounded, Lossy.REJECT: rejected}[lossy]
    assert expected == fate(split_all(f"a\n{value}\n", columns))
    assert expected == fate(split_all(f"a,b\n{value},1\n1,x\n", [*columns, feature("b", Dtype.INT8)]))
    whole = pa.array([value], pa.uint64() if value >= 2**63 else pa.int64())
    for column in (whole, whole.dictionary_encode()):
        pq.write_table(pa.table({"a": column}), tmp_path / "in.parquet")
        assert expected == fate(split_all([tmp_path / "in.parquet"], columns))


@pytest.mark.parametrize("cell", ["1e300", "9007199254740993.0", "9007199254740993e0", "16777217.5", "nan", ""])
def test_what_is_no_whole_number_is_rounded_as_any_decimal(split_all, cell):
    """Only digits alone are a whole number: decimal text is rounded to nearest, as everywhere."""
    assert "exact" == fate(split_all(f"a,b\n{cell},1\n", [feature("a", F64, lossy=Lossy.REJECT), feature("b")]))


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(-(2**54), 2**54), min_size=1), st.sampled_from([F32, F64])
)
def test_integers_and_their_text_are_judged_as_exact_arithmetic_does(numbers, dtype):
    """A number is held if it comes back from the type as it was; beyond 2^53 is huge."""
    values = np.array(numbers, np.int64)
    lost = [int(dtype_value) != number for dtype_value, number in zip(values.astype(dtype.value), numbers, strict=True)]
    huge = [gone and abs(number) > 2**53 for gone, number in zip(lost, numbers, strict=True)]
    cells = pa.array([f" +0{number}" if number >= 0 else str(number) for number in numbers])
    for found in (inexact_integers(values, dtype), inexact_text(cells, values.astype(dtype.value), dtype)):
        assert (lost, huge) == ((found.rows.tolist(), found.huge.tolist()) if found else ([False] * len(lost),) * 2)


def test_texts_beyond_64_bits_are_judged_too():
    """A text of any length is taken at its value."""
    cells = [str(2**80), str(2**80 + 1), "1" + "0" * 22, "1" + "0" * 23]
    found = inexact_text(pa.array(cells), np.array([float(cell) for cell in cells]), F64)
    assert [False, True, False, True] == found.rows.tolist()
    assert 53 == EXACT_BITS[F64]
