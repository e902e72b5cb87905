"""Records, lines and quotes of CSV files that are as they should be, in every dialect."""

import pytest

from scoring.core.columns import Dtype
from tests.unit.data.conftest import carried, feature

AB = [carried("a"), feature("b")]

QUOTES = [
    ("delimiter and quote", 'a,b\n"x,""y""",1\n', [('x,"y"', 1.0)]),
    ("inside plain text", 'a,b\n5" pipe,1\n"q",2\n', [('5" pipe', 1.0), ("q", 2.0)]),
    ("text behind a closing one", 'a,b\n"x"y,1\n', [("xy", 1.0)]),
    ("behind a blank", 'a,b\n "x",1\n', [(' "x"', 1.0)]),
    ("around nothing", 'a,b\n"",1\n', [("", 1.0)]),
    ("around the header", '"a","b"\nx,1\n', [("x", 1.0)]),
]


@pytest.mark.parametrize(("text", "cells"), [case[1:] for case in QUOTES], ids=[case[0] for case in QUOTES])
def test_a_quote_means_something_where_a_cell_starts(split_all, text, cells):
    """There it opens a cell in which delimiters and doubled quotes are text; anywhere else it is text itself."""
    found = split_all(text, AB)
    assert cells == found.cells
    assert [] == found.rejects


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"delimiter": ";"}, "a;b\nx;1\n"),
        ({"delimiter": "\t"}, "a\tb\nx\t1\n"),
        ({"delimiter": " "}, "a b\nx 1\n"),
        ({"quote": "'"}, "a,b\n'x',1\n"),
        ({"escape": "\\"}, 'a,b\n"\\x",1\n'),
        ({"escape": "\\"}, "a,b\n\\x,1\n"),
        ({"header": False, "columns": ("a", "b")}, "\ufeffx,1\n"),
    ],
)
def test_a_declared_dialect_is_followed(split_all, options, text):
    """Each option of the dialect reads the file that was written so."""
    assert [("x", 1.0)] == split_all(text, AB, **options).cells


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-32", "cp1252"])
def test_another_encoding_is_transcoded(split_all, encoding):
    """Text arrives as it was written."""
    assert [("né", 1.0)] == split_all("a,b\nné,1\n".encode(encoding), AB, encoding=encoding).cells


def test_bool_and_integer_rows_survive_a_dirty_block(split_all):
    """A block that has to be read as text gives the same values as one that has not."""
    columns = [feature("i", Dtype.INT64), feature("t", Dtype.BOOL), feature("s", Dtype.STRING)]
    rows = [(n, n % 3 == 0, f"s{n % 7}") for n in range(5_000)]
    text = "i,t,s\n" + "".join(f"{i},{str(t).lower()},{s}\n" for i, t, s in rows)
    clean, dirty = split_all(text, columns), split_all(text + "oops,true,x\n", columns)
    assert rows == clean.cells == dirty.cells
    assert [(5_000, 5_002, "i", "bad_value")] == dirty.faults()
