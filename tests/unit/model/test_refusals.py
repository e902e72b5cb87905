"""Rows that the model refuses: found by halving, and set apart from those beside them."""

import hashlib

import numpy as np
import pyarrow as pa
import pytest
from onnx import TensorProto as T
from onnx import helper as h

from scoring.core.binding import Binding, InputBinding, Layout, OutputBinding, Shape
from scoring.core.columns import Dtype
from scoring.core.errors import ModelRefusedRows
from scoring.model.refusals import Terms
from scoring.model.runner import Model
from tests.small_models import signature_of


def load(path):
    data = path.read_bytes()
    return Model.load(path, hashlib.sha256(data).hexdigest(), signature_of(data))


def table_model(write_model, rows=None):
    """y[N] = the i-th of two numbers; refuses every i but -2, -1, 0 and 1."""
    table = h.make_tensor("table", T.FLOAT, [2], [1.0, 2.0])
    ends = [("i", T.INT64, [rows])], [("y", T.FLOAT, [rows])]
    return load(write_model([h.make_node("Gather", ["table", "i"], ["y"])], *ends, [table]))


TABLE_BINDING = Binding(
    columns=(),
    inputs=(InputBinding(input="i", dtype=Dtype.INT64, shape=Shape.VECTOR, slots=("x.i",)),),
    outputs=(OutputBinding(output="y", dtype=Dtype.FLOAT32, layout=Layout.SCALAR, columns=("y",)),),
)


def indices(rows, bad=()):
    values = np.arange(rows) % 2
    values[list(bad)] = 7
    return pa.RecordBatch.from_pydict({"x.i": pa.array(values)})


def sift(model, batch, micro_batch_rows, never, **changes):
    """The batch begins at row 1000 of its input."""
    terms = Terms(rows=np.arange(batch.num_rows) + 1000, **changes)
    return model.sift(batch, TABLE_BINDING, micro_batch_rows, never, terms)


def test_values_that_the_model_refuses_are_told_with_their_rows(write_model, never):
    """An index that is out of range names the micro-batch, and is permanent."""
    with pytest.raises(ModelRefusedRows, match=r"rows 2 to 3.*idx=7"):
        table_model(write_model).predict(indices(4, [3]), TABLE_BINDING, 2, never)


@pytest.mark.parametrize("fixed", [None, 8, 1], ids=["dynamic", "padded", "one-by-one"])
@pytest.mark.parametrize(
    "bad", [[], [0], [15], [16], [5, 6], [0, 15, 16, 39], [38, 39], [8, 9, 10, 11]], ids=lambda bad: f"bad{bad}"
)
def test_refused_rows_are_found_and_the_others_scored(write_model, bad, fixed, never):
    """Wherever in its micro-batch a bad row stands, it alone is refused, in the model's own words."""
    model = table_model(write_model, fixed)
    sifted = sift(model, indices(40, bad), 16, never)
    assert bad == [refused.row for refused in sifted.refused]
    assert all("idx=7" in refused.reason for refused in sifted.refused)
    assert np.delete(np.tile([1.0, 2.0], 20), bad).tolist() == sifted.outputs["y"].tolist()


def test_without_raw_the_words_show_no_value(write_model, never):
    """What the model says of a row may quote it: then its kind of error has to do."""
    sifted = sift(table_model(write_model), indices(8, [3]), 8, never, raw=False)
    assert ["InvalidArgument"] == [refused.reason for refused in sifted.refused]


@pytest.mark.parametrize(
    ("rows", "bad", "micro_batch_rows", "first_chunk"),
    [
        (2048, range(0, 2048, 100), 1024, False),  # more bad rows than 64 extra runs can find
        (16, range(8, 16), 8, True),  # a whole micro-batch
        (3, range(3), 1, True),  # every row, one by one
    ],
    ids=["runs", "micro-batch", "chunk"],
)
def test_too_much_refused_fails_with_the_models_words(write_model, rows, bad, micro_batch_rows, first_chunk, never):
    """Past some point it is the model that is wrong, not a row here and there."""
    model, batch = table_model(write_model), indices(rows, bad)
    with pytest.raises(ModelRefusedRows, match="idx=7"):
        sift(model, batch, micro_batch_rows, never, first_chunk=first_chunk)


@pytest.mark.parametrize(
    ("rows", "bad", "first_chunk"),
    [(16, range(8, 16), False), (17, [16], True), (16, range(8, 15), True)],
    ids=["later-chunk", "lone-row", "all-but-one"],
)
def test_what_is_left_is_scored(write_model, rows, bad, first_chunk, never):
    """A whole micro-batch may be bad in a later chunk, and a row that makes up its last micro-batch in the first."""
    sifted = sift(table_model(write_model), indices(rows, bad), 8, never, first_chunk=first_chunk)
    assert list(bad) == [refused.row for refused in sifted.refused]


def test_four_bad_rows_of_a_full_micro_batch_are_within_the_runs(write_model, never):
    """Twelve runs each at most: halvings, the row alone, and the rest behind it."""
    sifted = sift(table_model(write_model), indices(1024, [1, 333, 600, 1022]), 1024, never)
    assert [1, 333, 600, 1022] == [refused.row for refused in sifted.refused]


def test_a_model_that_looks_at_rows_together_fails_whole(write_model, never):
    """Where each half is taken and the whole is not, no row can be blamed."""
    # The sum over the micro-batch is the index: 2 and more are out of range.
    axes, table = h.make_tensor("axes", T.INT64, [1], [0]), h.make_tensor("table", T.FLOAT, [2], [1.0, 2.0])
    nodes = [
        h.make_node("ReduceSum", ["i", "axes"], ["sum"], keepdims=1),
        h.make_node("Gather", ["table", "sum"], ["found"]),
        h.make_node("Shape", ["i"], ["shape"]),
        h.make_node("Expand", ["found", "shape"], ["y"]),
    ]
    path = write_model(nodes, [("i", T.INT64, [None])], [("y", T.FLOAT, [None])], [axes, table])
    with pytest.raises(ModelRefusedRows, match=r"rows 1003 to 1003 of the input.*idx=2"):
        sift(load(path), indices(4), 4, never)
