"""One member of a line of JSON, one verdict: whichever way its block is read."""

import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scoring.core.columns import ColumnSpec, Dtype, Lossy, NullAction
from scoring.core.conversions import Categories, Moment, Scale, TimeUnit
from tests.unit.data.conftest import carried, feature

F16, F32, F64 = Dtype.FLOAT16, Dtype.FLOAT32, Dtype.FLOAT64
I8, I64, U8, U64, BOOL, TEXT = Dtype.INT8, Dtype.INT64, Dtype.UINT8, Dtype.UINT64, Dtype.BOOL, Dtype.STRING
DIRTY = "no JSON\n"
"""A line that makes its block be read line by line."""

VALUES = [
    (F32, "1.5", 1.5),
    (F32, "7", 7.0),
    (F32, "1e2", 100.0),
    (F32, "-0.0", -0.0),
    (F32, "1.00000005960464477540", 1.0000001192092896),
    (F16, "1.00048828125", 1.0),
    (F64, "0.1", 0.1),
    (I64, "9223372036854775807", 2**63 - 1),
    (I64, "-0", 0),
    (I8, "-128", -128),
    (U8, "-0", 0),
    (U64, "18446744073709551615", 2**64 - 1),
    (BOOL, "true", True),
    (BOOL, "0", False),
    (TEXT, '"a b"', "a b"),
    (TEXT, '""', ""),
    (TEXT, '"null"', "null"),
    (TEXT, r'"é\u00e9\ud83d\ude00\u0000"', "éé😀\x00"),
    (TEXT, "7", "7"),
    (TEXT, "12345678901234567890123", "12345678901234567890123"),
    (None, '" x"', " x"),
    (None, "1.50", "1.50"),
    (None, "-0", "-0"),
    (None, "1e400", "1e400"),
    (None, "true", "true"),
    (None, "null", None),
    (None, ' [1.0, null, {"a": "é"}] ', '[1.0,null,{"a":"é"}]'),
    (None, '{"a": 1, "a": [2]}', '{"a":1,"a":[2]}'),
]

REFUSED = [
    (F32, '"1.5"', "bad_value", "'1.5' is a text, but the column takes a number"),
    (F32, '""', "bad_value", "a text"),
    (F32, '"nan"', "bad_value", "a text"),
    (F32, "true", "bad_value", "true or false, but"),
    (F32, "[1.5]", "bad_value", "a list, but"),
    (F32, '{"a": 1}', "bad_value", "an object, but"),
    (F32, "1e39", "out_of_range", "infinite"),
    (F64, "1e400", "out_of_range", "infinite"),
    (F64, "1" * 5_000, "out_of_range", "infinite"),
    (F64, "9007199254740993", "out_of_range", "--lossy round"),
    (I64, "1.0", "bad_value", "'1.0' is no int64"),
    (I64, "1e2", "bad_value", "no int64"),
    (I64, "9223372036854775808", "out_of_range", "does not fit"),
    (I64, "null", "null_value", "nulls are rejected"),
    (I8, "128", "out_of_range", "does not fit"),
    (U8, "-1", "out_of_range", "does not fit"),
    (BOOL, "2", "bad_value", "no bool"),
    (BOOL, '"true"', "bad_value", "a text, but the column takes true, false, 0 or 1"),
    (TEXT, "1.5", "bad_value", "a number, but the column takes a text or a whole number"),
    (TEXT, "true", "bad_value", "true or false"),
    (TEXT, '["a"]', "bad_value", "a list"),
    (TEXT, r'"\ud800"', "bad_value", "half of a character"),
    (TEXT, '"' + "x" * (2**20 + 1) + '"', "cell_too_large", "1,048,577 bytes"),
    (None, r'["\udc00"]', "bad_value", "half of a character"),
]


@pytest.fixture
def split_json(split_all, tmp_path):
    def run(text: str, columns, **options):
        path = tmp_path / "in.jsonl"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return split_all([path], columns, **options)

    return run


def column(name: str, dtype: Dtype | None, **more) -> ColumnSpec:
    return ColumnSpec(name=name, slot=name, dtype=dtype, nulls=NullAction.REJECT if dtype else NullAction.KEEP, **more)


def short(value: object) -> str:
    return str(value)[:20]


@pytest.mark.parametrize("dirty", ["", DIRTY], ids=["alone", "beside a bad line"])
@pytest.mark.parametrize(("dtype", "cell", "value"), VALUES, ids=short)
def test_a_member_is_read_as_the_tensor_wants_it(split_json, dtype, cell, value, dirty):
    """A number is rounded once, a text stands as it is, and what is carried keeps its spelling."""
    found = split_json(f'{{"a": {cell}, "b": 1}}\n{dirty}', [column("a", dtype), feature("b")])
    assert repr([(value, 1.0)]) == repr(found.cells)
    assert ["bad_value"] * bool(dirty) == [reject["code"] for reject in found.rejects]


@pytest.mark.parametrize("dirty", ["", DIRTY], ids=["alone", "beside a bad line"])
@pytest.mark.parametrize(("dtype", "cell", "code", "reason"), REFUSED, ids=short)
def test_a_member_that_is_no_value_rejects_its_row(split_json, dtype, cell, code, reason, dirty):
    """The row is rejected with the code, its line and its text; the row beside it stays."""
    line = f'{{"a": {cell}, "b": 1}}'
    found = split_json(f'{{"a": null, "b": 1}}\n\n{line}\n{dirty}', [feature("b"), column("a", dtype)])
    reject = next(reject for reject in found.rejects if reject["line"] == 3)
    assert (1, "a", code) == (reject["_row"], reject["column"], reject["code"])
    assert reason in reject["reason"]
    assert line[:500] == reject["raw"]


@pytest.mark.parametrize("dirty", ["", DIRTY], ids=["alone", "beside a bad line"])
@pytest.mark.parametrize(
    ("nulls", "fill", "expected"),
    [(NullAction.NAN, None, math.nan), (NullAction.FILL, "-1.5", -1.5), (NullAction.REJECT, None, None)],
)
@pytest.mark.parametrize("line", ['{"k": "x", "a": null}', '{"k": "x"}'], ids=["null", "missing"])
def test_null_and_missing_are_the_same(split_json, line, nulls, fill, expected, dirty):
    """Both follow the null policy, and are counted where they were replaced."""
    columns = [feature("a", nulls=nulls, fill=fill), carried("k")]
    found = split_json(f'{line}\n{{"a": 2, "k": "y"}}\n{dirty}', columns)
    if expected is None:
        assert (0, 1, "a", "null_value") == found.faults()[0]
    else:
        assert str(expected) == str(found.cells[0][0])
        assert [1] == [count.rows for count in found.chunks[0].warning_counts]
    assert (2.0, "y") == found.cells[-1]


LISTS = [
    (F32, (2,), "[1, 2.5]", [1.0, 2.5]),
    (I64, (2,), "[1, -2]", [1, -2]),
    (BOOL, (2,), "[true, false]", [True, False]),
    (TEXT, (2,), '["a", 7]', ["a", "7"]),
    (F16, (1,), "[0.5]", [0.5]),
    (F32, (2, 2), "[[1, 2], [3, 4]]", [1.0, 2.0, 3.0, 4.0]),
    (F32, (2, 2), "[1, 2, 3, 4]", [1.0, 2.0, 3.0, 4.0]),
    (F32, (1, 2, 1), "[[[1], [2]]]", [1.0, 2.0]),
    (F32, (2,), "[1]", "no list of 2 elements"),
    (F32, (2,), "1", "no list of 2 elements"),
    (F32, (2,), '{"0": 1, "1": 2}', "no list of 2 elements"),
    (F32, (2, 2), "[[1, 2], [3]]", "no list of 2 of 2 elements"),
    (F32, (2, 2), "[[1, 2, 3, 4]]", "no list of 2 of 2 elements"),
    (F32, (2, 2), "[[1, 2], null]", "no list of 2 of 2 elements"),
    (F32, (2,), "[1, [2]]", "a list, but the column takes a number"),
    (F32, (2,), '[1, "2"]', "'2' is a text, but"),
    (F32, (2,), "[1, 1e39]", "infinite"),
    (I64, (2,), "[1, 1.5]", "an element is no int64"),
    (I64, (2,), "[1, 9223372036854775808]", "does not fit"),
    (F64, (2,), "[1, 9007199254740993]", "not exact"),
    (I64, (2,), "[1, null]", "nulls are rejected"),
    (I64, (2,), "null", "nulls are rejected"),
]


@pytest.mark.parametrize("dirty", ["", DIRTY], ids=["alone", "beside a bad line"])
@pytest.mark.parametrize(("dtype", "dims", "cell", "expected"), LISTS, ids=short)
def test_a_list_feeds_a_vector(split_json, dtype, dims, cell, expected, dirty):
    """Lists of the tensor's axes, or flat ones of as many elements; another shape or element rejects the row."""
    size = math.prod(dims)
    spec = column("a", dtype, list_size=size, list_dims=dims if len(dims) > 1 else ())
    found = split_json(f'{{"a": {cell}}}\n{dirty}', [spec])
    if isinstance(expected, str):
        assert expected in found.rejects[0]["reason"]
        assert [] == found.rows
    else:
        assert [(expected,)] == found.cells


def test_nulls_in_lists_follow_the_policy(split_json):
    """A null element, and each element of a null list, is NaN or filled."""
    text = '{"a": [1, null], "b": null}\n{"a": [1, 2], "b": [3, 4]}\n'
    columns = [feature("a", list_size=2), feature("b", I64, nulls=NullAction.FILL, fill="7", list_size=2)]
    found = split_json(text, columns)
    assert repr([([1.0, math.nan], [7, 7]), ([1.0, 2.0], [3, 4])]) == repr(found.cells)
    assert {("a", 1), ("b", 1)} == {(count.column, count.rows) for count in found.chunks[0].warning_counts}


def test_whole_numbers_in_lists_are_counted_where_they_are_rounded(split_json):
    """Once per row."""
    found = split_json('{"a": [16777217, 16777219]}\n{"a": [1, 2]}\n', [feature("a", list_size=2)])
    assert [([2.0**24, 2.0**24 + 4],), ([1.0, 2.0],)] == found.cells
    assert [("rounded", 1)] == [(count.code, count.rows) for count in found.chunks[0].warning_counts]


@pytest.mark.parametrize("dirty", ["", DIRTY], ids=["alone", "beside a bad line"])
def test_conversions_take_what_they_can_look_up(split_json, dirty):
    """Categories take texts, numbers and booleans by their spelling; moments texts; scales numbers."""
    plans = Categories(codes={"pro": "1", "7": "2", "true": "3"})
    days = Moment(unit=TimeUnit.DAYS, since="2024-01-01")
    columns = [
        ColumnSpec(name="p", slot="p", dtype=I64, nulls=NullAction.REJECT, conversion=plans),
        ColumnSpec(name="d", slot="d", dtype=F32, nulls=NullAction.REJECT, conversion=days),
        ColumnSpec(name="s", slot="s", dtype=F32, nulls=NullAction.REJECT, conversion=Scale(factor=0.5)),
    ]
    lines = [
        '{"p": "pro", "d": "2024-01-11", "s": 3}',
        '{"p": 7, "d": "2024-01-02", "s": 1e1}',
        '{"p": true, "d": "2024-01-02", "s": 1}',
        '{"p": "x", "d": "2024-01-02", "s": 1}',
        '{"p": ["pro"], "d": "2024-01-02", "s": 1}',
        '{"p": 7, "d": "11.1.24", "s": 1}',
        '{"p": 7, "d": 1.5, "s": 1}',
        '{"p": 7, "d": "2024-01-02", "s": "1"}',
        '{"p": null, "d": "2024-01-02", "s": 1}',
    ]
    found = split_json("\n".join(lines) + "\n" + dirty, columns)
    assert [(1, 10.0, 1.5), (2, 1.0, 5.0), (3, 1.0, 0.5)] == found.cells
    bad = [(3, 4, "p", "bad_value"), (4, 5, "p", "bad_value"), (5, 6, "d", "bad_value"), (6, 7, "d", "bad_value")]
    assert [*bad, (7, 8, "s", "bad_value"), (8, 9, "p", "null_value")] == found.faults()[:6]


def test_na_names_texts_and_numbers_that_are_null(split_json):
    """--na holds in every column, --trim in those of text; --decimal says nothing about JSON."""
    lines = ['{"a": "NA", "t": " NA "}', '{"a": -999, "t": "x"}', '{"a": 1.5, "t": -999}', '{"a": "-", "t": ""}']
    columns = [feature("a"), carried("t")]
    found = split_json("\n".join(lines), columns, na=("NA", "-999"), trim=True, decimal=",")
    assert repr([(math.nan, None), (math.nan, "x"), (1.5, None)]) == repr(found.cells)
    assert [(3, 4, "a", "bad_value")] == found.faults()


@pytest.mark.parametrize(("lossy", "expected"), [(None, [2**24]), (Lossy.ROUND, [2**24, 2**53]), (Lossy.REJECT, [])])
def test_whole_numbers_that_floats_do_not_hold(split_json, lossy, expected):
    """As in any input: rounded and counted up to 2^53, rejected beyond, or as --lossy says."""
    text = f'{{"a": {2**24 + 1}}}\n{{"a": {2**53 + 1}}}\n'
    spec = ColumnSpec(name="a", slot="a", dtype=F32, nulls=NullAction.NAN, lossy=lossy)
    found = split_json(text, [spec])
    assert expected == [cell[0] for cell in found.cells]
    assert len(expected) == sum(count.rows for count in found.chunks[0].warning_counts)


def test_a_member_that_stands_twice_rejects_its_row(split_json):
    """Nobody can say which of the two is meant; a member that is not needed may do so, at any depth."""
    text = '{"a": 1, "a": 1}\n{"a": 2, "x": 1, "x": 2}\n{"a": 3, "x": {"a": 1, "a": 2}}\n{"a": 4, "\\u0061": null}\n'
    found = split_json(text, [feature("a")])
    assert [(2.0,), (3.0,)] == found.cells
    assert [(0, 1, "a", "bad_value"), (3, 4, "a", "bad_value")] == found.faults()


def test_values_stay_out_of_rejects_where_they_may_not_be_shown(split_json, split_all, tmp_path):
    """--no-raw: neither the line nor the value at fault, only what it is."""
    found = split_json('{"a": "secret"}\n{"a": 1}\n{"a": secret}\n', [feature("a")], raw=False)
    assert ["", ""] == [reject["raw"] for reject in found.rejects]
    assert not any("secret" in reject["reason"] for reject in found.rejects)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.sampled_from([0, 1, -1, 127, 128, 2**24 + 1, 2**53 + 1, 2**63, 2**64])
    | st.floats(allow_nan=True, allow_infinity=True)
    | st.text(max_size=4)
    | st.sampled_from(["NaN", "a}", "[{", "\\", "\ud800", "\x00"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abx"), inner, max_size=2),
    max_leaves=6,
)
NUMBERS = st.integers(-100, 100) | st.floats(allow_nan=False, width=32).map(lambda x: round(x, 3))
COLUMNS = [
    feature("n"),
    column("i", I8),
    feature("w", F64, nulls=NullAction.FILL, fill="3"),
    column("b", BOOL),
    column("t", TEXT),
    feature("l", list_size=2),
    column("m", I64, list_size=4, list_dims=(2, 2)),
    carried("k"),
    carried("n"),
    carried("i"),
]
GOOD = {
    "n": NUMBERS,
    "i": st.integers(-128, 127),
    "w": NUMBERS | st.none(),
    "b": st.booleans(),
    "t": st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    "l": st.lists(NUMBERS | st.none(), min_size=2, max_size=2),
    "m": st.just([[1, 2], [3, 4]]),
    "k": st.sampled_from(["x", "", "é"]),
}
ROW = st.fixed_dictionaries(GOOD)
STRANGE = st.tuples(ROW, st.dictionaries(st.sampled_from("niwbtlmk"), JSON, max_size=2)).map(lambda p: p[0] | p[1])


@st.composite
def some_lines(draw):
    rows = draw(st.lists(ROW | ROW | STRANGE, min_size=1, max_size=4))
    ascii = draw(st.booleans())
    texts = [json.dumps(row, ensure_ascii=ascii or "\\ud800" in json.dumps(row)) for row in rows]
    at, cut = draw(st.integers(0, len(texts) - 1)), draw(st.integers(0, 40))
    kind = draw(st.sampled_from(["", "", "", "}", "{", "null", ",", " ", '"', "\r", "\x01", "NaN"]))
    if kind:
        texts[at] = texts[at][:cut] + kind + texts[at][cut:]
    return "\n".join(texts) + "\n"


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=some_lines())
def test_both_ways_say_the_same_of_every_row(split_json, text):
    """What the fast parser makes of a row is what comes out when the row is read by itself, number by number."""
    first = json.dumps(dict.fromkeys(GOOD)) + "\n"
    alone = split_json(first + text, COLUMNS)
    beside = split_json(first + text + DIRTY, COLUMNS)
    assert repr(alone.cells) == repr(beside.cells)
    assert alone.rejects == beside.rejects[:-1]
    assert alone.chunks[0].warning_counts == beside.chunks[0].warning_counts
