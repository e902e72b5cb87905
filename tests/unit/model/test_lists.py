"""Lists, nested lists and tensors into inputs of any rank, against the session alone."""

import numpy as np
import pyarrow as pa
import pytest

from scoring.core.columns import Lossy
from scoring.core.errors import InputRefused, ModelRefused
from scoring.core.options import JobOptions
from scoring.model.spec import ModelSpec


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
    feed({name: column.slice(start)}, expected[start:], shape).check(expected[start:])


def test_views_of_lists_may_lie_in_any_order(feed):
    """Lists that overlap, or stand the other way around in memory, are those that the file shows."""
    values = pa.array(np.arange(6, dtype=np.float32))
    column = pa.ListViewArray.from_arrays(pa.array([3, 0, 1], pa.int32()), pa.array([3, 3, 3], pa.int32()), values)
    expected = np.array([[3, 4, 5], [0, 1, 2], [1, 2, 3]], np.float32)
    feed({"x": column}, expected, [None, 3]).check(expected)


def test_the_spec_tells_the_size_of_an_open_axis(feed):
    """Token ids in lists of no declared length: without `shapes` the refusal shows the line to write."""
    ids = pa.array([[1, 2, 3], [4, 5, 6]], pa.list_(pa.int32()))
    expected = np.array([[1, 2, 3], [4, 5, 6]])
    with pytest.raises(InputRefused, match=r"shapes: \{x: \[SIZE\]\}"):
        feed({"x": ids}, expected, [None, None], ModelSpec(inputs={"x": ("x",)}))
    feed({"x": ids}, expected, [None, None], ModelSpec(shapes={"x": (3,)})).check(expected)


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


def test_a_tensor_with_permuted_axes_is_refused(feed):
    """Its values lie in another order than the input takes them."""
    column = tensors(np.zeros((1, 1, 1), np.float32), [1, 1], [1, 0])
    with pytest.raises(InputRefused, match=r"permutation=\[1,0\]"):
        feed({"x": column}, np.zeros((1, 1, 1), np.float32), [None, 1, 1])
