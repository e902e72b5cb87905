"""The catalogue of bad CSV files: what becomes of each, through the reader that scores them.

A test's id is the row of the catalogue. What readers do by default (fill, drop, guess, turn into infinity) is in no
answer here.
"""

import gzip
import math
from dataclasses import dataclass, field

import pytest

from scoring.core.columns import ColumnSpec, Dtype, NullAction
from scoring.core.conversions import DatePart, Moment
from scoring.core.errors import InputRefused, UsageError
from scoring.core.limits import MAX_CELL_BYTES, MAX_COLUMNS, MAX_HEADER_BYTES, MAX_RECORD_BYTES
from scoring.data.text_stream import BLOCK_BYTES
from tests.unit.data.conftest import carried, feature

A, B, WHOLE = carried("a"), feature("b"), feature("i", Dtype.INT64)
AB = (A, B)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A file and what becomes of it."""

    id: str
    text: str | bytes
    columns: tuple[ColumnSpec, ...] = AB
    dialect: dict = field(default_factory=dict)
    # Clean rows; NaN is written as None.
    cells: tuple = ()
    # (row, line, column, code) of each reject.
    faults: tuple = ()


def month(format: str | None = None) -> ColumnSpec:
    return feature("d", nulls=NullAction.REJECT, conversion=Moment(part=DatePart.MONTH, format=format))


LONG = "x" * (MAX_CELL_BYTES + 1)
LINES = "y\n" * BLOCK_BYTES

READ = [
    Case(id="B2 header alone", text="a,b\n"),
    Case(id="B2 header without newline", text="a,b"),
    Case(id="B2 nothing under --columns", text="", dialect={"header": False, "columns": ("a", "b")}),
    Case(id="B3 byte order mark", text="\ufeffa,b\nx,1\n", cells=(("x", 1.0),)),
    Case(id="B3 mark and quotes", text='\ufeff"a","b"\nx,1\n', cells=(("x", 1.0),)),
    Case(id="B5 declared", text="a,b\né,1\n".encode("latin-1"), dialect={"encoding": "latin-1"}, cells=(("é", 1.0),)),
    Case(id="B5 a byte", text=b"a,b\n\xe9,1\nx,2\n", cells=(("x", 2.0),), faults=((0, 2, "a", "bad_encoding"),)),
    Case(id="B6 NUL in text", text="a,b\nx\0y,1\n", cells=(("x\0y", 1.0),)),
    Case(id="B6 NUL in a number", text="a,b\nx,1\0\n", faults=((0, 2, "b", "bad_value"),)),
    Case(id="B7 short row", text="a,b\nx\ny,2\n", cells=(("y", 2.0),), faults=((0, 2, "", "short_row"),)),
    Case(id="B7 blanks alone", text="a,b\n  \ny,2\n", cells=(("y", 2.0),), faults=((0, 2, "", "short_row"),)),
    Case(id="B8 long row", text="a,b\ny,2\nx,1,9\n", cells=(("y", 2.0),), faults=((1, 3, "", "long_row"),)),
    Case(id="B8 trailing delimiter", text="a,b\nx,1,\n", faults=((0, 2, "", "long_row"),)),
    Case(id="B8 trailing delimiter everywhere", text="a,b,\nx,1,\n", cells=(("x", 1.0),)),
    Case(
        id="B9 newlines",
        text='a,b\n"x\ny",1\n"\r\n",2\nz\n',
        cells=(("x\ny", 1.0), ("\r\n", 2.0)),
        faults=((2, 6, "", "short_row"),),
    ),
    Case(
        id="B9 a cell over three blocks",
        text=f'b,n\n1,"{LINES}"\n2,\nx,\n',
        columns=(B,),
        cells=((1.0,), (2.0,)),
        faults=((2, 4 + BLOCK_BYTES, "b", "bad_value"),),
    ),
    Case(
        id="B11 a cell",
        text=f'a,b\nx,1\n"{LONG}\n",2\ny,3\nz\n',
        cells=(("x", 1.0), ("y", 3.0)),
        faults=((1, 3, "a", "cell_too_large"), (3, 6, "", "short_row")),
    ),
    Case(id="B11 a cell that nobody needs", text=f"a,b\n{LONG},2\n", columns=(B,), cells=((2.0,),)),
    Case(
        id="B11 a row",
        text=b'a,b\nx,1\n"' + b"x" * MAX_RECORD_BYTES + b'\n",2\ny,3\nz\n',
        cells=(("x", 1.0), ("y", 3.0)),
        faults=((1, 3, "", "cell_too_large"), (3, 6, "", "short_row")),
    ),
    Case(id="B12 blank lines", text="a,b\n\nx,1\n\n\r\ny,2\n\n", cells=(("x", 1.0), ("y", 2.0))),
    Case(id="B13 no final newline", text="a,b\nx,1\ny,2", cells=(("x", 1.0), ("y", 2.0))),
    Case(id="B14 CR alone", text="a,b\rx,1\r\ry,2\r", cells=(("x", 1.0), ("y", 2.0))),
    Case(id="B14 CR in quotes", text='a,b\r"x\ry",1\rz\r', cells=(("x\ry", 1.0),), faults=((1, 4, "", "short_row"),)),
    Case(id="B15 mixed line ends", text="a,b\r\nx,1\ny,2\rz,3", cells=(("x", 1.0), ("y", 2.0), ("z", 3.0))),
    Case(id="B16 a name twice that nobody needs", text="z,a,z,b,\n9,x,9,1,9\n", cells=(("x", 1.0),)),
    Case(id="B17 names that differ in case are others", text="a,A,b\nx,y,1\n", cells=(("x", 1.0),)),
    Case(id="B18 an empty name is a name", text=",b\nx,1\n", columns=(carried(""), B), cells=(("x", 1.0),)),
    Case(
        id="B20 declared",
        text="a;b\nx;1,5\ny;1.5\n",
        dialect={"delimiter": ";", "decimal": ","},
        cells=(("x", 1.5),),
        faults=((1, 3, "b", "bad_value"),),
    ),
    Case(id="B20 not declared", text="a;b\nx;1,5\n", dialect={"delimiter": ";"}, faults=((0, 2, "b", "bad_value"),)),
    Case(id="B21 declared", text='by "x\n\na,b\nx,1\n', dialect={"skip_lines": 2}, cells=(("x", 1.0),)),
    Case(id="B21 in lines of CR", text="by\ra,b\rx,1\r", dialect={"skip_lines": 1}, cells=(("x", 1.0),)),
    Case(
        id="B21 longer than a block",
        text=f"{LINES}a,b\nx,1\nz\n",
        dialect={"skip_lines": BLOCK_BYTES},
        cells=(("x", 1.0),),
        faults=((1, BLOCK_BYTES + 3, "", "short_row"),),
    ),
    Case(
        id="B21 a CRLF over two blocks",
        text="y" * (BLOCK_BYTES - 1) + "\r\na,b\nx,1\nz\n",
        dialect={"skip_lines": 1},
        cells=(("x", 1.0),),
        faults=((1, 4, "", "short_row"),),
    ),
    Case(id="B22 not declared", text="a,b\n#c\nx,1\n", cells=(("x", 1.0),), faults=((0, 2, "", "short_row"),)),
    Case(
        id="B22 declared",
        text='# "hello\na,b\n# it\'s "open\nx,1\n"\n#y",2\n#end',
        dialect={"comment": "#"},
        cells=(("x", 1.0), ("\n#y", 2.0)),
    ),
    Case(
        id="B23 header again",
        text="a,b\nx,1\na,b\ny,2\n",
        cells=(("x", 1.0), ("y", 2.0)),
        faults=((1, 3, "b", "bad_value"),),
    ),
    Case(
        id="B24 wrong type",
        text='a,b\n"p\nq",z\ny,2\n',
        cells=(("y", 2.0),),
        faults=((0, 2, "b", "bad_value"),),
    ),
    Case(
        id="B26 all null, then text",
        text="a,b\n" + ",1\n" * 400_000 + "late,2\n",
        columns=(A,),
        cells=(("",),) * 400_000 + (("late",),),
    ),
    Case(
        id="B27 whole numbers, then a fraction",
        text="b\n" + "1\n" * 9 + "1.5\n",
        columns=(B,),
        cells=((1.0,),) * 9 + ((1.5,),),
    ),
    Case(
        id="B28 words for nothing",
        text="a,b\nNA,1\nx,NA\nnull,2\n",
        cells=(("NA", 1.0), ("null", 2.0)),
        faults=((1, 3, "b", "bad_value"),),
    ),
    Case(id="B28 declared", text="a,b\nNA,NA\n", dialect={"na": ("NA",)}, cells=((None, None),)),
    Case(id="B29 NaN by default", text="a,b\nnan,nan\n,NaN\n", cells=(("nan", None), ("", None))),
    Case(
        id="B29 rejected",
        text="a,b\nx,nan\n",
        columns=(A, feature("b", nulls=NullAction.REJECT)),
        faults=((0, 2, "b", "null_value"),),
    ),
    Case(
        id="B30 infinity",
        text="b\ninf\n1e400\n-Infinity\n1\n",
        columns=(feature("b", Dtype.FLOAT64),),
        cells=((1.0,),),
        faults=tuple((row, row + 2, "b", "out_of_range") for row in range(3)),
    ),
    Case(id="B31 beyond float32", text="b\n1e39\n", columns=(B,), faults=((0, 2, "b", "out_of_range"),)),
    Case(
        id="B32 beyond int64",
        text="i\n9223372036854775808\n9223372036854775807\n",
        columns=(WHOLE,),
        cells=((2**63 - 1,),),
        faults=((0, 2, "i", "out_of_range"),),
    ),
    Case(
        id="B33 exact beside a null",
        text='i\n9007199254740993\n""\n',
        columns=(WHOLE,),
        cells=((2**53 + 1,),),
        faults=((1, 3, "i", "null_value"),),
    ),
    Case(
        id="B33 not exact in a float",
        text="b\n9007199254740993\n",
        columns=(feature("b", Dtype.FLOAT64),),
        faults=((0, 2, "b", "out_of_range"),),
    ),
    Case(id="B34 1.0 is no whole number", text="i\n1.0\n", columns=(WHOLE,), faults=((0, 2, "i", "bad_value"),)),
    Case(
        id="B35 leading zeros",
        text="i\n007\n+8\n",
        columns=(carried("i"), WHOLE),
        cells=(("007", 7), ("+8", 8)),
    ),
    Case(
        id="B36 marks in numbers",
        text='b\n"1,234"\n0x10\n1_000\n',
        columns=(B,),
        faults=tuple((row, row + 2, "b", "bad_value") for row in range(3)),
    ),
    Case(
        id="B37 truth",
        text="b\ntrue\nFalse\n1\n0\nyes\n2\n",
        columns=(feature("b", Dtype.BOOL),),
        cells=((True,), (False,), (True,), (False,)),
        faults=((4, 6, "b", "bad_value"), (5, 7, "b", "bad_value")),
    ),
    Case(id="B37 truth is no number", text="b\ntrue\n", columns=(B,), faults=((0, 2, "b", "bad_value"),)),
    Case(
        id="B38 one declared format",
        text="d\n31.12.2026\n2026-12-31\n12/31/2026\n",
        columns=(month("%d.%m.%Y"),),
        cells=((12.0,),),
        faults=((1, 3, "d", "bad_value"), (2, 4, "d", "bad_value")),
    ),
    Case(
        id="B39 zones go to UTC",
        text="d\n2026-12-31T23:30:00-01:00\n2026-12-31T23:30:00Z\n",
        columns=(month(),),
        cells=((1.0,), (12.0,)),
    ),
    Case(
        id="B43 other columns and order",
        text="z,b,a\n9,1,x\n",
        cells=(("x", 1.0),),
    ),
]

REFUSED = [
    ("B1 empty", b"", {}, "is empty"),
    ("B1 blank lines alone", b"\n\n", {}, "is empty"),
    ("B4 UTF-16", "a,b\nx,1\n".encode("utf-16"), {}, "--encoding utf-16"),
    ("B4 UTF-16 without its mark", "a,b\nx,1\n".encode("utf-16-le"), {}, "--encoding"),
    ("B4 UTF-32", "a,b\nx,1\n".encode("utf-32"), {}, "--encoding utf-32"),
    ("B5 in the header", b"a,b,\xe9\nx,1,2\n", {}, "offset 4"),
    ("B10 to the end", b'a,b\nx,1\n"y,2\nz,3\n', {}, "line 3"),
    ("B10 to another quote", b'a,b\nx,1\n"y,2\n"z",3\n', {}, "line 3"),
    ("B10 through many blocks", b'a,b\nx,1\n"y,2\n' + b"z,3\n" * (MAX_RECORD_BYTES // 4 + 1), {}, "line 3"),
    ("B16 a needed name twice", b"a,b,b\nx,1,2\n", {}, "same name"),
    ("B17 the case differs", b"A,b\nx,1\n", {}, "'a' and 'A'"),
    ("B18 blanks around a name", b" a ,b\nx,1\n", {}, "'a' and ' a '"),
    ("B19 another delimiter", b"a;b\nx;1\n", {}, "--delimiter ';'"),
    ("B19 tabs", b"a\tb\nx\t1\n", {}, "--delimiter tab"),
    ("B21 a preamble", b"made by\n\na,b\nx,1\n", {}, "expected a, b"),
    ("B21 skipped too far", b"a,b\nx,1\n", {"skip_lines": 9}, "is empty"),
    ("B43 missing columns", b"c,d\nx,1\n", {}, "expected a, b; got c, d"),
    ("names of another count", b"x,1\n", {"header": False, "columns": ("a", "b", "c")}, "2 names"),
    ("a header too long", b"a" * (MAX_HEADER_BYTES + 1) + b",b\n", {}, f"{MAX_HEADER_BYTES:,}"),
    ("too many columns", b"a" + b",b" * MAX_COLUMNS, {}, f"at most {MAX_COLUMNS:,} columns"),
    ("gzip by another name", gzip.compress(b"a,b\n"), {}, "name it .gz"),
    ("Parquet by another name", b"PAR1\x15\x04", {}, "--format parquet"),
    ("a spreadsheet", b"PK\x03\x04rest", {}, "export it as CSV"),
]


@pytest.mark.parametrize("case", READ, ids=lambda case: case.id)
def test_a_file_gives_its_good_rows_and_rejects_the_others_by_name(score_csv, case):
    """Every row is scored or rejected with its row, line, column and code; nothing is filled, dropped or guessed."""
    found = score_csv(case.text, case.columns, **case.dialect)
    cells = [
        tuple(None if isinstance(cell, float) and math.isnan(cell) else cell for cell in row) for row in found.cells
    ]
    assert list(case.cells) == cells
    assert list(case.faults) == found.faults()
    rejected = [reject["_row"] for reject in found.rejects]
    assert list(range(len(found.rows) + len(rejected))) == sorted(found.rows + rejected)


@pytest.mark.parametrize(("data", "dialect", "said"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_a_file_that_cannot_be_right_is_refused_in_words(score_csv, data, dialect, said):
    """The refusal says what is wrong, where, and by which number."""
    with pytest.raises(InputRefused, match=said):
        score_csv(data, AB, **dialect)


def test_b25_a_type_that_changes_late_costs_its_row_alone(score_csv):
    """Row 300 001 is rejected, the 300 000 before it and the one behind it are scored."""
    found = score_csv("a,b\n" + "x,1\n" * 300_000 + "x,one\ny,2\n", (B,))
    assert [(300_000, 300_002, "b", "bad_value")] == found.faults()
    assert (300_001, 300_001, 2.0) == (len(found.rows), found.rows[-1], found.cells[-1][0])


def test_names_may_hold_anything(score_csv):
    """Newlines, quotes, SQL, escape sequences and marks of direction are names like others."""
    names = ["a\nb", 'c","d', "\x1b[31m", "\u202egnp", "x;DROP TABLE jobs--"]
    header = ",".join('"' + name.replace('"', '""') + '"' for name in names)
    found = score_csv(f"{header}\n1,2,3,4,5\n", tuple(feature(name) for name in names))
    assert [(1.0, 2.0, 3.0, 4.0, 5.0)] == found.cells


def test_a_wide_file_is_read(score_csv):
    """Six thousand columns, two of them needed."""
    header = ",".join(f"c{i}" for i in range(6_000))
    row = ",".join(map(str, range(6_000)))
    assert [(5999.0, 7.0)] == score_csv(f"{header}\n{row}\n", (feature("c5999"), feature("c7"))).cells


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"delimiter": "é"}, "--delimiter"),
        ({"quote": "\n"}, "--quote"),
        ({"escape": '"'}, "--escape"),
        ({"comment": ","}, "--comment"),
        ({"encoding": "klingon"}, "--encoding"),
        ({"encoding": "base64"}, "--encoding"),
        ({"encoding": "a\0b"}, "--encoding"),
    ],
)
def test_a_dialect_that_can_mean_nothing_is_a_usage_error(score_csv, options, said):
    """The option is named."""
    with pytest.raises(UsageError, match=said):
        score_csv("a,b\n", AB, **options)
