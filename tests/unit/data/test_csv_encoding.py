"""Bytes that are no text in the declared encoding: they cost their own row, and nothing else."""

import re
from itertools import product

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scoring.core.columns import Dtype
from scoring.core.errors import InputRefused
from scoring.data.faults import Faults
from scoring.data.text_encoding import decoded, is_utf8
from tests.unit.data.conftest import carried, feature

HEAD = b"id,name,a,b\n"
COLUMNS = [carried("id"), carried("name"), feature("a"), feature("b", Dtype.INT64)]

ROWS = [
    ("in a float", b"2,b,1\xff,2", (1, 3, "a", "bad_encoding")),
    ("a blank of Latin-1 in a float", b"2,b,1\xa0,2", (1, 3, "a", "bad_encoding")),
    ("in an integer", b"2,b,1,2\xff", (1, 3, "b", "bad_encoding")),
    ("in a text", b"2,caf\xe9,1,2", (1, 3, "name", "bad_encoding")),
    ("behind a bad value", b"2,caf\xe9,x,2", (1, 3, "name", "bad_encoding")),
    ("in two cells", b"2,caf\xe9,1\xff,2", (1, 3, "name", "bad_encoding")),
    ("in a quoted cell of two lines", b'2,"c\n\xe9",1,2', (1, 3, "name", "bad_encoding")),
    ("a surrogate", b"2,\xed\xb2\x80,1,2", (1, 3, "name", "bad_encoding")),
    ("in a short row", b"2,caf\xe9,1", (1, 3, "", "short_row")),
    ("in a short row of two lines", b'2,"caf\n\xe9",1', (1, 3, "", "short_row")),
    ("in a long row", b"2,caf\xe9,1,2,\xff", (1, 3, "", "long_row")),
]


@pytest.mark.parametrize(("row", "fault"), [case[1:] for case in ROWS], ids=[case[0] for case in ROWS])
@pytest.mark.parametrize("behind", [b"\n\n3,\xc3\xa9,3,3\n", b""], ids=["in the middle", "at the end"])
def test_a_byte_that_is_no_text_rejects_its_row(split_all, capfd, row, fault, behind):
    """One reject with its place and the byte escaped, whatever the column; the other rows stay; nothing on stderr."""
    found = split_all(HEAD + b"1,a,1,1\n" + row + behind, COLUMNS)
    assert [fault] == found.faults()
    assert row.decode("utf-8", "backslashreplace") == found.rejects[0]["raw"]
    assert [("1", "a", 1.0, 1), ("3", "é", 3.0, 3)][: 2 if behind else 1] == found.cells
    assert "" == capfd.readouterr().err


def test_a_file_cut_inside_a_character_loses_its_last_row_alone(split_all, capfd):
    """The last row is rejected as short."""
    found = split_all(HEAD + b"1,a,1,1\n2,caf\xc3", COLUMNS)
    assert [(1, 3, "", "short_row")] == found.faults()
    assert "" == capfd.readouterr().err


def test_a_comment_behind_a_row_of_a_wrong_length_is_no_row(split_all):
    """Rows are cut out by their number, comments and blank lines around them or not."""
    found = split_all(HEAD + b"#\xff\n1,\xe9\n#,\n\n2,b,2,2\n#\n3,\xe9\n", COLUMNS, comment="#")
    assert [(0, 3, "", "short_row"), (2, 8, "", "short_row")] == found.faults()
    assert [1] == found.rows


def test_a_column_that_is_not_needed_may_hold_any_bytes(split_all):
    """Only the columns of the job are text that must be read."""
    assert [(1.0,)] == split_all(HEAD + b"1,\xff,1,1\n", [feature("a")]).cells


def test_the_first_row_without_a_header_is_a_row_like_others(split_all):
    """Its bytes do not refuse the file."""
    found = split_all(b"\xe9,1\ny,2\n", [carried("k"), feature("a")], header=False, columns=("k", "a"))
    assert [(0, 1, "k", "bad_encoding")] == found.faults()
    assert [("y", 2.0)] == found.cells


@pytest.mark.parametrize(
    ("options", "byte", "said"),
    [
        ({}, b"\xe9", "byte 0xe9 is no UTF-8;"),
        ({"encoding": "utf8"}, b"\xe9", "byte 0xe9 is no UTF-8;"),
        ({"encoding": "cp1252"}, b"\x81", "byte 0x81 is no cp1252;"),
    ],
)
def test_the_reason_names_the_encoding_that_was_declared(split_all, options, byte, said):
    """A byte that cp1252 does not know is not called a fault of UTF-8."""
    found = split_all(HEAD + b"1," + byte + b",1,1\n", COLUMNS, **options)
    assert said in found.rejects[0]["reason"]


def test_a_header_in_another_encoding_is_refused_by_that_name(split_all):
    """The refusal names the declared encoding as well."""
    with pytest.raises(InputRefused, match="is not cp1252"):
        split_all(b"a,\x81\n1,2\n", [feature("a")], encoding="cp1252")


# Both ends of each range of bytes that the rules of UTF-8 know.
LEADS = [bytes([byte]) for byte in bytes.fromhex("0a417fc0c1c2dfe0e1ecedeeeff0f1f3f4f5ff")]
TRAILS = [bytes([byte]) for byte in bytes.fromhex("7f808f909fa0bfc0")]


def test_arrow_and_python_agree_on_what_is_text():
    """A cell is rejected exactly where Python does not decode it: all sequences at the edges of what is allowed."""
    cells = [b"", *(b"".join(way) for length in range(4) for way in product(LEADS, *[TRAILS] * length))]
    faults = Faults(len(cells))
    text = decoded(pa.array(cells, pa.binary()), "k", "utf-8", faults).to_pylist()
    good = [is_utf8(cell) for cell in cells]
    assert good == [_decodes(cell) for cell in cells]
    assert good == (~faults.dropped).tolist()
    assert [cell.decode() if fine else "" for cell, fine in zip(cells, good, strict=True)] == text


def _decodes(cell: bytes) -> bool:
    try:
        cell.decode()
    except UnicodeDecodeError:
        return False
    return True


PLAIN = b"".join(b"%d,n\xc3\xa4me%d,%d.5,%d\n" % (n, n, n, n) for n in range(8))


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.integers(0, len(PLAIN)),
            st.integers(0, 255).filter(lambda byte: byte != ord('"')) | st.integers(128, 255),
        ),
        max_size=12,
    )
)
def test_sprinkled_bytes_lose_no_row(split_all, sprinkled):
    """Rows in = clean + rejects for any bytes anywhere; a row with bytes that are no text is never clean."""
    text = bytearray(PLAIN)
    for place, byte in sorted(sprinkled, reverse=True):
        text[place:place] = bytes([byte])
    lines = [line for line in re.split(rb"\r\n|\n|\r", bytes(text)) if line]
    found = split_all(HEAD + bytes(text), COLUMNS)
    assert list(range(len(lines))) == sorted([*found.rows, *(reject["_row"] for reject in found.rejects)])
    rejected = {reject["_row"]: reject for reject in found.rejects}
    for row, line in enumerate(lines):
        if not _decodes(line):
            assert rejected[row]["code"] in ("bad_encoding", "short_row", "long_row")
            assert line.decode("utf-8", "backslashreplace") == rejected[row]["raw"]


QUOTED = b"".join(b'%d,"n\n%d",%d.5,%d\n' % (n, n, n, n) for n in range(8))


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, len(QUOTED)), st.integers(128, 255)), max_size=12))
def test_sprinkled_bytes_lose_no_quoted_row(split_all, sprinkled):
    """Every row comes through by its id, or is rejected; also where a byte takes a quote from the start of its cell."""
    text = bytearray(QUOTED)
    for place, byte in sorted(sprinkled, reverse=True):
        text[place:place] = bytes([byte])
    try:
        found = split_all(HEAD + bytes(text), COLUMNS)
    except InputRefused as error:
        if "quote" not in str(error):
            raise
        return
    assert list(range(len(found.rows) + len(found.rejects))) == sorted(
        [*found.rows, *(reject["_row"] for reject in found.rejects)]
    )
