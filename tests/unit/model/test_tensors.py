"""Columns of every type a table has, into tensors of every type and shape a model has, against the session alone."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import onnxruntime as ort
import pyarrow as pa
import pytest
from onnx import TensorProto as T
from onnx import helper as h

from scoring.core.columns import Lossy
from scoring.core.errors import InputRefused, ModelRefused
from scoring.core.options import JobOptions
from scoring.core.source import SourceSchema
from scoring.data.arrow_types import file_column
from scoring.data.parquet_read import slot_batch
from scoring.data.screen import screen
from scoring.model import graph
from scoring.model.bind import bind
from scoring.model.runner import Model
from scoring.model.signature import read_signature
from scoring.model.spec import ModelSpec

ONNX = {
    "float16": T.FLOAT16,
    "float32": T.FLOAT,
    "float64": T.DOUBLE,
    "int8": T.INT8,
    "int16": T.INT16,
    "int32": T.INT32,
    "int64": T.INT64,
    "uint8": T.UINT8,
    "uint16": T.UINT16,
    "uint32": T.UINT32,
    "uint64": T.UINT64,
    "bool": T.BOOL,
    "str": T.STRING,
}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a model that gives back its input said of the clean rows."""

    # [n, values per row], flattened in C order.
    values: np.ndarray
    # The same of the session alone, fed with the expected tensor.
    alone: np.ndarray
    faults: list[tuple[int, str]]
    # Code and rows.
    warnings: list[tuple[str, int]]


Feed = Callable[..., Answer]


@pytest.fixture
def feed(write_model, never) -> Feed:
    """feed(columns, expected tensor, shape): binds the columns to the input x of a model y = x, and scores them."""

    def run(columns, expected, shape, spec=ModelSpec(), options=JobOptions()) -> Answer:  # noqa: B008  # both frozen
        kind = ONNX["str" if expected.dtype.kind == "O" else expected.dtype.name]
        sizes = [None, *expected.shape[1:]]
        path = write_model([h.make_node("Identity", ["x"], ["y"])], [("x", kind, shape)], [("y", kind, sizes)])
        data = path.read_bytes()
        signature = read_signature(graph.parse(data))
        table = pa.RecordBatch.from_pydict(columns)
        source = SourceSchema(
            columns=tuple(map(file_column, table.schema)), rows=0, rows_exact=True, bytes=0, sample={}
        )
        binding = bind(signature, spec, source, options)
        found = screen(slot_batch(table, binding.columns), binding.columns)
        model = Model.load(path, hashlib.sha256(data).hexdigest(), signature)
        values = model.predict(found.batch, binding, 2, never)["y"]
        alone = np.concatenate(
            [ort.InferenceSession(data).run(None, {"x": part})[0] for part in _parts(expected, shape)]
        )
        rows = len(expected)
        return Answer(
            values=values.reshape(rows, -1),
            alone=alone[:rows].reshape(rows, -1),
            faults=[(fault.row, fault.code) for fault in found.faults],
            warnings=[(warning.code, warning.rows) for warning in found.warnings],
        )

    return run


def _parts(tensor, shape):
    """What a session alone is fed: in groups of the fixed size, the last row again where one is short."""
    size = shape[0] or len(tensor)
    for first in range(0, len(tensor), size):
        part = tensor[first : first + size]
        yield np.concatenate([part, np.repeat(part[-1:], size - len(part), axis=0)])


def same(answer, expected):
    """Bit for bit what the session alone says, and what the file holds."""
    assert [] == answer.faults
    assert answer.alone.dtype == answer.values.dtype
    np.testing.assert_array_equal(answer.alone, answer.values)
    np.testing.assert_array_equal(expected.reshape(len(expected), -1), answer.values)


NUMBERS = {
    **{name: [0, 1, 255, 7, 3] for name in ("uint8", "uint16", "uint32", "uint64")},
    **{name: [0, 1, -128, 127, 3] for name in ("int8", "int16", "int32", "int64")},
    **{name: [0.5, -0.0, float("nan"), 2.25, 65504] for name in ("float16", "float32", "float64")},
    "bool": [True, False, True, True, False],
}
CELLS = {**{name: np.array(cells, name) for name, cells in NUMBERS.items()}}
CELLS["str"] = np.array(["a", "", "größer", "x" * 80, "a\n"], object)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("shape", [[None], [None, 1], [2, 1]])
def test_one_column_of_every_type(feed, name, shape):
    """As [N], as [N, 1], and in exact groups of two with the last one filled up."""
    cells = CELLS[name]
    expected = cells.reshape(-1, *shape[1:])
    same(feed({"x": pa.array(cells)}, expected, shape), expected)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("shape", [[None, 4], [None, None], [None, 2, 2], [3, 2, 1, 2]])
def test_several_columns_of_every_type(feed, name, shape):
    """Columns stand side by side in the order of the spec, and fill tensors of more axes in C order."""
    cells = CELLS[name]
    parts = {letter: np.roll(cells, place) for place, letter in enumerate("abcd")}
    flat = np.stack([parts[letter] for letter in "dbca"], axis=1)
    expected = flat.reshape(-1, *(size or 4 for size in shape[1:]))
    columns = {letter: pa.array(part) for letter, part in parts.items()}
    same(feed(columns, expected, shape, ModelSpec(features=tuple("dbca"))), expected)


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
    same(feed({"x": column}, expected, [None]), expected)


def tensors(values, shape, permutation=None):
    kind = pa.fixed_shape_tensor(pa.from_numpy_dtype(values.dtype), shape, permutation=permutation)
    storage = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), int(np.prod(shape)))
    return pa.ExtensionArray.from_storage(kind, storage)


VECTORS = [[1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12], [0, 1, 0, 1, 0, 1]]
NESTED = [[[1, 2, 3], [4, 5, 6]], [[7, 8, 9], [10, 11, 12]], [[0, 1, 0], [1, 0, 1]]]
FLAT, DEEP = np.array(VECTORS), np.array(NESTED)


@pytest.mark.parametrize(
    ("column", "expected", "shape"),
    [
        (pa.array(VECTORS, pa.list_(pa.float32())), FLAT.astype(np.float32), [None, 6]),
        (pa.array(VECTORS, pa.large_list(pa.float64())), FLAT.astype(np.float32), [None, 6]),
        (pa.array(VECTORS, pa.list_(pa.float32(), 6)), FLAT.astype(np.float32), [None, None]),
        (pa.array(VECTORS, pa.list_view(pa.int32())), FLAT, [None, 6]),
        (pa.array(VECTORS, pa.large_list_view(pa.int64())), FLAT, [None, 6]),
        (pa.array(VECTORS, pa.list_(pa.float16(), 6)), FLAT.astype(np.float16), [None, 6]),
        (pa.array(VECTORS, pa.list_(pa.int64(), 6)), FLAT.astype(np.float64), [None, 6]),
        (pa.array(VECTORS, pa.list_(pa.uint8(), 6)), FLAT, [2, 6]),
        (pa.array(VECTORS, pa.list_(pa.uint8(), 6)), FLAT.astype(np.uint8).reshape(3, 1, 2, 3), [None, 1, 2, 3]),
        (pa.array(VECTORS, pa.list_(pa.int64(), 6)), FLAT.reshape(3, 3, 2), [None, None, 2]),
        (pa.array([[bool(v % 2) for v in row] for row in VECTORS], pa.list_(pa.bool_(), 6)), FLAT % 2 == 1, [None, 6]),
        (pa.array([[str(v) for v in row] for row in VECTORS]), FLAT.astype(str).astype(object), [None, 6]),
        (pa.array(VECTORS, pa.list_(pa.int8(), 6)), FLAT.astype(str).astype(object), [None, 6]),
        (
            pa.array([[str(v) for v in row] for row in VECTORS], pa.list_(pa.dictionary(pa.int8(), pa.string()))),
            FLAT.astype(str).astype(object).reshape(3, 2, 3),
            [None, 2, 3],
        ),
        (pa.array(VECTORS, pa.list_(pa.decimal128(6, 2))), FLAT.astype(np.float32), [None, 6]),
        (pa.array(NESTED, pa.list_(pa.list_(pa.int64()))), DEEP, [None, 2, 3]),
        (pa.array(NESTED, pa.list_(pa.list_(pa.float32(), 3), 2)), DEEP.astype(np.float32), [None, None, None]),
        (pa.array(NESTED, pa.list_(pa.list_(pa.float32(), 3), 2)), FLAT.astype(np.float32), [None, None]),
        (pa.array(NESTED, pa.large_list(pa.list_view(pa.int64()))), DEEP.reshape(3, 1, 2, 3), [None, 1, 2, 3]),
        (tensors(DEEP.astype(np.float32), [2, 3]), DEEP.astype(np.float32), [None, 2, 3]),
        (tensors(DEEP, [2, 3], [0, 1]), DEEP, [None, None, 3]),
        (tensors(DEEP.astype(np.float32), [2, 3]), FLAT.astype(np.float32), [None, 6]),
    ],
    ids=lambda value: str(getattr(value, "type", getattr(value, "dtype", value))),
)
@pytest.mark.parametrize("start", [0, 1])
def test_a_column_of_lists(feed, column, expected, shape, start):
    """Lists, nested lists and tensors fill the input in C order; open axes get the sizes of the file's type.

    The same from the middle of a column.
    """
    # Whole numbers become text only where the names say so.
    name = "x" if expected.dtype == object else "v"
    same(feed({name: column.slice(start)}, expected[start:], shape), expected[start:])


def test_views_of_lists_may_lie_in_any_order(feed):
    """Lists that overlap, or stand the other way around in memory, are those that the file shows."""
    values = pa.array(np.arange(6, dtype=np.float32))
    column = pa.ListViewArray.from_arrays(pa.array([3, 0, 1], pa.int32()), pa.array([3, 3, 3], pa.int32()), values)
    expected = np.array([[3, 4, 5], [0, 1, 2], [1, 2, 3]], np.float32)
    same(feed({"x": column}, expected, [None, 3]), expected)


def test_the_spec_tells_the_size_of_an_open_axis(feed):
    """Token ids in lists of no declared length: without `shapes` the refusal shows the line to write."""
    ids = pa.array([[1, 2, 3], [4, 5, 6]], pa.list_(pa.int32()))
    expected = np.array([[1, 2, 3], [4, 5, 6]])
    with pytest.raises(InputRefused, match=r"shapes: \{x: \[SIZE\]\}"):
        feed({"x": ids}, expected, [None, None], ModelSpec(inputs={"x": ("x",)}))
    same(feed({"x": ids}, expected, [None, None], ModelSpec(shapes={"x": (3,)})), expected)


@pytest.mark.parametrize(
    ("column", "expected", "code", "reason"),
    [
        ([[1, 2], [1, 2, 3], [3, 4]], [[1, 2], [3, 4]], "bad_value", "another length"),
        ([[1, 2], [], [3, 4]], [[1, 2], [3, 4]], "bad_value", "no element"),
        ([[1, 2], [1, float("inf")], [3, 4]], [[1, 2], [3, 4]], "out_of_range", "infinite"),
        ([[1, 2], [1, 1e39], [3, 4]], [[1, 2], [3, 4]], "out_of_range", "beyond float32"),
    ],
)
def test_a_list_that_does_not_fit_rejects_its_row(feed, column, expected, code, reason):
    """And no other row."""
    found = feed({"x": pa.array(column, pa.list_(pa.float64()))}, np.array(expected, np.float32), [None, 2])
    assert [(1, code)] == found.faults, reason
    assert expected == found.values.tolist(), reason


def test_lists_of_lists_of_another_shape_are_rejected(feed):
    """As many elements in other axes would put values in wrong places."""
    column = pa.array([NESTED[0], [[1, 2], [3, 4], [5, 6]], [[1, 2, 3], [4, 5]], NESTED[1], None])
    expected = DEEP[:2].astype(np.float32)
    options = JobOptions.from_json(JobOptions().to_json() | {"nulls": {"action": "reject", "fill": None}})
    found = feed({"x": column}, expected, [None, 2, 3], options=options)
    assert [(1, "bad_value"), (2, "bad_value"), (4, "null_value")] == found.faults
    np.testing.assert_array_equal(expected.reshape(2, -1), found.values)


@pytest.mark.parametrize(
    ("kind", "fill", "expected"),
    [
        (pa.float32(), None, [[1, np.nan], [3, 4], [np.nan, np.nan]]),
        (pa.float32(), "7", [[1, 7], [3, 4], [7, 7]]),
        (pa.int64(), "7", [[1, 7], [3, 4], [7, 7]]),
        (pa.int64(), None, [[3, 4]]),
        (pa.string(), None, [["3", "4"]]),
        (pa.string(), "?", [["1", "?"], ["3", "4"], ["?", "?"]]),
    ],
)
def test_nulls_in_lists_follow_the_policy_of_nulls(feed, kind, fill, expected):
    """NaN in floats, the fill where there is one, else the row is rejected; a list that is null is one of nulls."""
    cells = [[1, None], [3, 4], None]
    if kind == pa.string():
        cells = [row and [cell and str(cell) for cell in row] for row in cells]
    tensor = np.array(expected, object if kind == pa.string() else kind.to_pandas_dtype())
    spec = ModelSpec(fill={"x": fill} if fill else {})
    found = feed({"x": pa.array(cells, pa.list_(kind))}, tensor, [None, 2], spec)
    np.testing.assert_array_equal(tensor, found.values)
    assert ([] if len(expected) == 3 else [(0, "null_value"), (2, "null_value")]) == found.faults


@pytest.mark.parametrize(
    ("lossy", "faults", "warnings"),
    [
        (None, [(2, "out_of_range")], [("rounded", 1)]),
        (Lossy.ROUND, [], [("rounded", 2)]),
        (Lossy.REJECT, [(1, "out_of_range"), (2, "out_of_range")], []),
    ],
)
def test_whole_numbers_in_lists_are_rounded_as_the_job_says(feed, lossy, faults, warnings):
    """Up to 2^53 and counted, unless --lossy says otherwise."""
    column = pa.array([[1, 2**24], [1, 2**24 + 1], [1, 2**53 + 1]])
    stay = [row for row in range(3) if row not in [fault[0] for fault in faults]]
    expected = np.array(column.to_pylist(), np.int64)[stay].astype(np.float32)
    found = feed({"x": column}, expected, [None, 2], options=JobOptions(lossy=lossy))
    assert (faults, warnings) == (found.faults, found.warnings)
    np.testing.assert_array_equal(expected, found.values)


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
        (tensors(np.zeros((1, 1, 1), np.float32), [1, 1], [1, 0]), r"permutation=\[1,0\]"),
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


@pytest.mark.parametrize(
    ("shape", "spec", "words"),
    [
        ([], ModelSpec(), "no axis for rows"),
        ([3, None], ModelSpec(), r"export the model with them first; .* 3 rows each, .*shapes: \{x: \[SIZE\]\}"),
        ([None, None], ModelSpec(), r"shapes: \{x: \[SIZE\]\}"),
        ([None, None], ModelSpec(shapes={"z": (3,)}), "an input that the model does not have"),
        ([None, 2, None], ModelSpec(shapes={"x": (3, 3)}), r"2 sizes, those of one row of \[N, 2, \?\]"),
        ([None, None], ModelSpec(shapes={"x": (1, 3)}), "the axis of rows is not among them"),
        ([None, 4], ModelSpec(), "4 values per row"),
        ([None, 5, None], ModelSpec(shapes={"x": (5, 2)}), "10 values per row"),
        ([None, 2, None], ModelSpec(), r"shapes: \{x: \[2, SIZE\]\}"),
    ],
)
def test_a_shape_that_lists_cannot_fill_is_refused(feed, shape, spec, words):
    """In words, with the shape."""
    spec = ModelSpec(inputs={"x": ("v",)}, shapes=spec.shapes)
    column = pa.array([[1.0, 2, 3]], pa.list_(pa.float32()))
    column = column.cast(pa.list_(pa.float32(), 3)) if shape == [None, 4] or len(shape) == 3 else column
    with pytest.raises((InputRefused, ModelRefused), match=words):
        feed({"v": column}, np.zeros((1, 3), np.float32), shape, spec)
