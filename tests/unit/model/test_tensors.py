"""Columns of every type a table has, into tensors of every type and shape a model has, against the session alone."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from scoring.core.errors import InputRefused
from scoring.data.arrow_types import file_column
from scoring.model.spec import ModelSpec

NUMBERS = {
    **{name: [0, 1, 255, 7, 3] for name in ("uint8", "uint16", "uint32", "uint64")},
    **{name: [0, 1, -128, 127, 3] for name in ("int8", "int16", "int32", "int64")},
    **{name: [0.5, -0.0, float("nan"), 2.25, 65504] for name in ("float16", "float32", "float64")},
    "bool": [True, False, True, True, False],
}
CELLS = {name: np.array(cells, name) for name, cells in NUMBERS.items()}
CELLS["str"] = np.array(["a", "", "größer", "x" * 80, "a\n"], object)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("shape", [[None], [None, 1], [2, 1]])
def test_one_column_of_every_type(feed, name, shape):
    """As [N], as [N, 1], and in exact groups of two with the last one filled up."""
    cells = CELLS[name]
    expected = cells.reshape(-1, *shape[1:])
    feed({"x": pa.array(cells)}, expected, shape).check(expected)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("shape", [[None, 4], [None, None], [None, 2, 2], [3, 2, 1, 2]])
def test_several_columns_of_every_type(feed, name, shape):
    """Columns stand side by side in the order of the spec, and fill tensors of more axes in C order."""
    cells = CELLS[name]
    parts = {letter: np.roll(cells, place) for place, letter in enumerate("abcd")}
    flat = np.stack([parts[letter] for letter in "dbca"], axis=1)
    expected = flat.reshape(-1, *(size or 4 for size in shape[1:]))
    columns = {letter: pa.array(part) for letter, part in parts.items()}
    feed(columns, expected, shape, ModelSpec(features=tuple("dbca"))).check(expected)


WORDS = ["low", "", "low"]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([1, 2**24, -3]), np.array([1, 2**24, -3], np.float32)),
        (pa.array([1, 2**63, 3], pa.uint64()), np.array([1, 2**63, 3], np.float64)),
        (pa.array([1, 2**63, 3], pa.uint64()), np.array([1, 2**63, 3], np.uint64)),
        (pa.array([1.0, -2.0, 127.0]), np.array([1, -2, 127], np.int8)),
        (pa.array([1, 0, 1], pa.int8()), np.array([True, False, True])),
        (pa.array([True, False, True]), np.array([1, 0, 1], np.float32)),
        (pa.array([True, False, True]), np.array([1, 0, 1], np.int64)),
        (pa.array([0.1, 2.5, 1e-8]), np.array([0.1, 2.5, 1e-8], np.float16)),
        (pa.array([0.1, 2.5, 3], pa.float16()), np.array([0.1, 2.5, 3], np.float16).astype(np.float64)),
        (pa.array([Decimal("0.1"), Decimal("2.5"), Decimal(3)]), np.array([0.1, 2.5, 3], np.float32)),
        (pa.array([Decimal(1), Decimal(2), Decimal(3)], pa.decimal256(50, 2)), np.array([1, 2, 3], np.int16)),
        (pa.array([5, 5, 7]).dictionary_encode(), np.array([5, 5, 7], np.float32)),
        (pa.array(WORDS, pa.large_string()), np.array(WORDS, object)),
        (pa.array(WORDS, pa.string_view()), np.array(WORDS, object)),
        (pa.array(WORDS).dictionary_encode(), np.array(WORDS, object)),
        (pa.array([7, -1, 10**12]), np.array(["7", "-1", "1000000000000"], object)),
    ],
    ids=lambda value: str(getattr(value, "type", getattr(value, "dtype", ""))),
)
def test_a_column_of_another_type(feed, column, expected):
    """Whatever a type can say exactly or by one rounding feeds the tensor."""
    feed({"x": column}, expected, [None]).check(expected)


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (pa.array([b"a"]), "binary"),
        (pa.array([{"a": 1}]), "struct"),
        (pa.array([[{"a": 1}]]), "list<"),
        (pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())), "map<"),
        (pa.array([1], pa.duration("s")), "duration"),
        (pa.nulls(1), "null"),
        (pa.array([1], pa.timestamp("us")), r"derive: \{x: \{column: x, part: month\}\}"),
        (pa.array([1], pa.date32()), r"derive: \{x"),
        (pa.array([1], pa.time64("us")), r"derive: \{x"),
        (pa.array(["1"]), "string"),
        (pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0" * 16], pa.binary(16))), "uuid"),
        (pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1], pa.int8())), "bool8"),
    ],
    ids=lambda value: str(getattr(value, "type", "")),
)
def test_a_type_that_feeds_no_number_is_refused_by_name(feed, column, words):
    """At submit, and where the model needs the column."""
    with pytest.raises(InputRefused, match=words):
        feed({"x": column}, np.zeros((1, 1), np.float32), [None, 1])


def test_an_extension_that_nobody_knows_is_refused():
    """Its storage may be numbers, but not what they mean."""
    field = pa.field("x", pa.int64(), metadata={"ARROW:extension:name": "my.money"})
    assert ("other", "extension my.money of int64") == (file_column(field).kind, file_column(field).type)
