"""Records, lines and quotes of CSV files: every row counted once, whatever the text looks like."""

import bz2
import gzip

import pyarrow as pa
import pytest

from scoring.core.columns import Dtype
from scoring.core.errors import InputRefused, UsageError
from tests.unit.data.conftest import carried, feature

AB = [carried("a"), feature("b")]

WHOLE = [
    ("no final newline", "a,b\nx,1\ny,2", [("x", 1.0), ("y", 2.0)]),
    ("byte order mark", "\ufeffa,b\nx,1\n", [("x", 1.0)]),
    ("CRLF", "a,b\r\nx,1\r\ny,2\r\n", [("x", 1.0), ("y", 2.0)]),
    ("CR only", "a,b\rx,1\ry,2\r", [("x", 1.0), ("y", 2.0)]),
    ("mixed line ends", "a,b\r\nx,1\ny,2\rz,3", [("x", 1.0), ("y", 2.0), ("z", 3.0)]),
    ("blank lines are no rows", "a,b\n\nx,1\n\n\r\ny,2\n\n", [("x", 1.0), ("y", 2.0)]),
    ("quoted newline", 'a,b\n"x\ny",1\nz,2\n', [("x\ny", 1.0), ("z", 2.0)]),
    ("quoted delimiter and quote", 'a,b\n"x,""y""",1\n', [('x,"y"', 1.0)]),
    ("quote inside plain text", 'a,b\n5" pipe,1\n"q",2\n', [('5" pipe', 1.0), ("q", 2.0)]),
    ("text behind a closing quote", 'a,b\n"x"y,1\n', [("xy", 1.0)]),
    ("other columns and order", "z,b,a\n9,1,x\n", [("x", 1.0)]),
    ("NUL in text", "a,b\nx\0y,1\n", [("x\0y", 1.0)]),
    ("header alone", "a,b\n", []),
    ("header without newline", "a,b", []),
    ("quoted header", '"a","b"\nx,1\n', [("x", 1.0)]),
]


@pytest.mark.parametrize(("text", "cells"), [case[1:] for case in WHOLE], ids=[case[0] for case in WHOLE])
def test_a_well_formed_file_gives_every_row(split_all, text, cells):
    """All rows come through, in order, numbered from 0."""
    found = split_all(text, AB)
    assert cells == found.cells
    assert list(range(len(cells))) == found.rows
    assert [] == found.rejects


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"delimiter": ";"}, "a;b\nx;1\n"),
        ({"delimiter": "\t"}, "a\tb\nx\t1\n"),
        ({"quote": "'"}, "a,b\n'x',1\n"),
        ({"escape": "\\"}, 'a,b\n"\\x",1\n'),
        ({"header": False, "columns": ("a", "b")}, "x,1\n"),
        ({"skip_lines": 2}, 'made by "x\n\na,b\nx,1\n'),
        ({"comment": "#"}, '# "hello\na,b\n# it\'s "open\nx,1\n#end'),
        ({"encoding": "latin-1"}, "a,b\nx,1\n"),
    ],
)
def test_a_declared_dialect_is_followed(split_all, options, text):
    """Each option of the dialect reads the file that was written so."""
    assert [("x", 1.0)] == split_all(text, AB, **options).cells


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "cp1252"])
def test_another_encoding_is_transcoded(split_all, encoding):
    """Text arrives as it was written."""
    assert [("né", 1.0)] == split_all("a,b\nné,1\n".encode(encoding), AB, encoding=encoding).cells


MISFITS = [
    ("short", "a,b\nx\ny,2\n", [(0, 2, "", "short_row")], "x"),
    ("long", "a,b\ny,2\nx,1,9\n", [(1, 3, "", "long_row")], "x,1,9"),
    ("blanks alone are a short row", "a,b\n  \ny,2\n", [(0, 2, "", "short_row")], "  "),
    (
        "behind a record of two lines",
        'a,b\n"p\nq",z\ny,2\nx\n',
        [(0, 2, "b", "bad_value"), (2, 5, "", "short_row")],
        '"p\nq",z',
    ),
    ("header repeated", "a,b\ny,2\na,b\n", [(1, 3, "b", "bad_value")], "a,b"),
]


@pytest.mark.parametrize(("text", "faults", "raw"), [case[1:] for case in MISFITS], ids=[case[0] for case in MISFITS])
def test_a_row_that_does_not_fit_is_rejected_with_its_place(split_all, text, faults, raw):
    """A reject names the row, the physical line where its record starts, and shows the text; the good row stays."""
    found = split_all(text, AB)
    assert faults == found.faults()
    assert raw == found.rejects[0]["raw"]
    assert [("y", 2.0)] == found.cells


REFUSED = [
    ("empty", b"", "empty"),
    ("blank lines alone", b"\n\n", "empty"),
    ("UTF-16", "a,b\nx,1\n".encode("utf-16"), "UTF-16"),
    ("UTF-16 without its mark", "a,b\nx,1\n".encode("utf-16-le"), "--encoding"),
    ("Latin-1 header", b"a,b,\xe9\nx,1,2\n", "offset 4"),
    ("another delimiter", b"a;b\nx;1\n", "--delimiter ';'"),
    ("missing columns", b"c,d\nx,1\n", "a, b"),
    ("case differs", b"A,b\nx,1\n", "'a' and 'A'"),
    ("names twice", b"a,b,b\nx,1,2\n", "same name"),
    ("unclosed quote to the end", b'a,b\nx,1\n"y,2\nz,3\n', "line 3"),
    ("unclosed quote to another quote", b'a,b\nx,1\n"y,2\n"z",3\n', "line 3"),
]


@pytest.mark.parametrize(("data", "said"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_a_file_that_cannot_be_right_is_refused_in_words(split_all, data, said):
    """The refusal says what is wrong, and where."""
    with pytest.raises(InputRefused, match=said):
        split_all(data, AB)


def test_columns_of_another_count_are_refused(split_all):
    """--columns must name every column of the file."""
    with pytest.raises(InputRefused, match="2 names"):
        split_all("x,1\n", AB, header=False, columns=("a", "b", "c"))


def test_an_unknown_encoding_is_a_usage_error(split_all):
    """The option is named."""
    with pytest.raises(UsageError, match="--encoding"):
        split_all("a,b\n", AB, encoding="klingon")


def test_names_that_are_not_needed_may_stand_twice(split_all):
    """Only a needed column must be unique."""
    assert [("x", 1.0)] == split_all("z,a,z,b,\n9,x,9,1,9\n", AB).cells


def zstd(data: bytes) -> bytes:
    return pa.Codec("zstd").compress(data, asbytes=True)


PACKERS = [("gz", gzip.compress), ("bz2", bz2.compress), ("zst", zstd)]


@pytest.mark.parametrize(("extension", "pack"), PACKERS)
def test_a_compressed_file_is_read_like_a_plain_one(split_all, tmp_path, extension, pack):
    """Several members in one file are one text."""
    path = tmp_path / f"in.csv.{extension}"
    path.write_bytes(pack(b"a,b\nx,1\n") + pack(b"y,2\n"))
    assert [("x", 1.0), ("y", 2.0)] == split_all([path], AB).cells


@pytest.mark.parametrize(("extension", "pack"), PACKERS)
@pytest.mark.parametrize("damage", [lambda data: data[:-6], lambda data: data + b"garbage!"])
def test_a_damaged_compressed_file_is_refused(split_all, tmp_path, extension, pack, damage):
    """Cut off, or with garbage behind: nothing passes for a whole file."""
    path = tmp_path / f"in.csv.{extension}"
    path.write_bytes(damage(pack(b"a,b\n" + b"x,1\n" * 500_000)))
    with pytest.raises(InputRefused, match="damaged"):
        split_all([path], AB)


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_huge_cell_costs_its_row_alone(split_all, quote):
    """A cell of 40 MB is rejected as cell_too_large; the rows around it keep their numbers and lines."""
    cell = "x" * 20_000_000 + ("\n" if quote else "y") + "x" * 20_000_000
    found = split_all(f"a,b\nx,1\n{quote}{cell}{quote},2\ny,3\nz\n", AB)
    assert [("x", 1.0), ("y", 3.0)] == found.cells
    line = 6 if quote else 5
    assert [(1, 3, "", "cell_too_large"), (3, line, "", "short_row")] == found.faults()
    assert 500 == len(found.rejects[0]["raw"])


def test_a_huge_unclosed_quote_is_refused_with_its_line(split_all):
    """A quote that swallows the rest of a large file is no huge cell."""
    with pytest.raises(InputRefused, match="line 3"):
        split_all('a,b\nx,1\n"y,2\n' + "z,3\n" * 6_000_000, AB)


def test_bool_and_integer_rows_survive_a_dirty_block(split_all):
    """A block that has to be read as text gives the same values as one that has not."""
    columns = [feature("i", Dtype.INT64), feature("t", Dtype.BOOL), feature("s", Dtype.STRING)]
    rows = [(n, n % 3 == 0, f"s{n % 7}") for n in range(5_000)]
    text = "i,t,s\n" + "".join(f"{i},{str(t).lower()},{s}\n" for i, t, s in rows)
    clean, dirty = split_all(text, columns), split_all(text + "oops,true,x\n", columns)
    assert rows == clean.cells == dirty.cells
    assert [(5_000, 5_002, "i", "bad_value")] == dirty.faults()
