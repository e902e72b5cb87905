"""A row's fate is its own: its values, its fault and its warnings are the same alone and beside any other rows."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.core.columns import ColumnSpec, Dtype, Lossy, NullAction
from scoring.core.conversions import Categories, DatePart, Moment, Scale, TimeUnit
from scoring.core.options import CsvDialect
from scoring.data.csv_read import CsvReader
from scoring.data.inputs import expand_inputs

CELLS = (
    *("", " ", "1", "0", "-0", "+5", " 7 ", "1.0", "1.5", "-3", ".5", "5.", "1e2", "007", "\t3", "é", "abc"),
    *("16777217", "2049", "65520", "256", "-129", "9007199254740993", "-9007199254740993", "9007199254740992"),
    *("18446744073709551615", "18446744073709551616", "99999999999999999999999", "1" * 45),
    *("1e400", "1e39", "-1e39", "1e-400", "3.4028236e38", "inf", "nan", "NaN"),
    *("true", "False", "TRUE", "0x10", "1_000", '"1,5"', '"1"', "NA", "?", " ?"),
    *("2024-02-29", "2024-02-30", "2024-01-01T00:00:00Z"),
)

CONVERSIONS = (
    *(None, None, None, Scale(factor=0.5, offset=1), Scale(factor=0), Scale(factor=1e300)),
    *(Categories(codes={"1": "1", "é": "2", "?": "3"}), Categories(codes={"1": "1"}, unknown="0")),
    *(Moment(part=DatePart.WEEK), Moment(unit=TimeUnit.DAYS)),
)


@st.composite
def features(draw, slot: str) -> ColumnSpec:
    dtype = draw(st.sampled_from(Dtype))
    plain = dtype in (Dtype.STRING, Dtype.BOOL)
    nulls = draw(st.sampled_from([NullAction.REJECT, NullAction.FILL, *([NullAction.NAN] if dtype.is_float else [])]))
    return ColumnSpec(
        name=draw(st.sampled_from("abc")),
        slot=slot,
        dtype=dtype,
        nulls=nulls,
        fill="1" if nulls is NullAction.FILL else None,
        conversion=None if plain else draw(st.sampled_from(CONVERSIONS)),
        lossy=draw(st.sampled_from([None, *Lossy])),
    )


COLUMNS = st.tuples(
    features("x.0"), features("x.1"), features("x.2"), st.just(ColumnSpec(name="c", slot="c.c", dtype=None))
)
ROWS = st.lists(st.tuples(*[st.sampled_from(CELLS)] * 3), min_size=2, max_size=8)
DIALECTS = st.builds(CsvDialect, na=st.sampled_from([(), ("NA",), ("?", " ")]), trim=st.booleans())


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("neighbours") / "in.csv"


@settings(max_examples=80, derandomize=True, deadline=None)
@given(COLUMNS, ROWS, DIALECTS)
def test_no_row_is_judged_by_its_neighbours(path, columns, rows, dialect):
    """Read together or one by one, a row has the same values, the same fault in the same words, the same warnings."""
    together = fates(path, rows, columns, dialect)
    assert [fates(path, [row], columns, dialect)[0] for row in rows] == together


def fates(path: Path, rows: list, columns: tuple, dialect: CsvDialect) -> list:
    """Of each row its fault, or its values and warnings."""
    path.write_text("a,b,c\n" + "".join(",".join(row) + "\n" for row in rows))
    (piece,) = CsvReader(expand_inputs([str(path)])[0], columns, dialect).pieces()
    found = {fault.row: fault for fault in piece.faults}
    values = iter(zip(*(column.to_pylist() for column in piece.batch.columns), strict=True))
    return [
        (fault.column, fault.code, fault.reason)
        if (fault := found.get(row))
        else (repr(next(values)), piece.warnings(row, row + 1))
        for row in range(piece.rows)
    ]
