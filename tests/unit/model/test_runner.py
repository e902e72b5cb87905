"""Running a model over a clean batch: the same numbers as the session alone, row by row."""

import hashlib
import threading
import time

import numpy as np
import onnx
import onnxruntime as ort
import pyarrow as pa
import pytest
from onnx import TensorProto as T
from onnx import helper as h

from scoring.core.binding import Binding, InputBinding, Layout, OutputBinding, Shape
from scoring.core.columns import Dtype
from scoring.core.errors import BadOutput, LeaseLost, ModelChanged, ModelRefusedRows
from scoring.core.options import JobOptions
from scoring.core.source import ColumnKind as K
from scoring.model.bind import bind
from scoring.model.check import inspect
from scoring.model.refusals import Terms
from scoring.model.runner import DEFAULT_MICRO_BATCH, MICRO_BATCHES, Model
from scoring.model.spec import ModelSpec


class Stopped:
    """Set from the start; its reason is a lost lease."""

    def is_set(self):
        return True

    def check(self):
        raise LeaseLost("taken over")


def load(path):
    return Model.load(path, hashlib.sha256(path.read_bytes()).hexdigest(), inspect(path))


def matrix_batch(rows, names=("a", "b", "c")):
    rng = np.random.default_rng(0)
    return pa.RecordBatch.from_pydict({f"x.{name}": pa.array(rng.random(rows), pa.float32()) for name in names})


def sum_binding(**changes):
    output = {"output": "total", "dtype": Dtype.FLOAT32, "layout": Layout.SCALAR, "columns": ("total",)} | changes
    inputs = InputBinding(input="x", dtype=Dtype.FLOAT32, shape=Shape.MATRIX, slots=("x.a", "x.b", "x.c"))
    return Binding(columns=(), inputs=(inputs,), outputs=(OutputBinding(**output),))


@pytest.mark.parametrize("micro_batch_rows", [1, 7, 4096, 100_000])
@pytest.mark.parametrize("rows", [0, 1, 5000])
def test_every_row_is_scored_once_in_order(sum_model, rows, micro_batch_rows, never):
    """Whatever the micro-batch, and for a chunk without rows too, row i of the output is that of row i."""
    batch = matrix_batch(rows)
    totals = load(sum_model).predict(batch, sum_binding(), micro_batch_rows, never)["total"]
    expected = np.sum([batch.column(i).to_numpy() for i in range(3)], axis=0)
    assert (rows,) == totals.shape
    np.testing.assert_allclose(expected, totals, rtol=1e-6)


def test_a_slice_feeds_its_own_rows(sum_model, never):
    """A batch that is a view into a larger one is read from its offset."""
    batch = matrix_batch(100)
    model = load(sum_model)
    whole = model.predict(batch, sum_binding(), 16, never)["total"]
    np.testing.assert_array_equal(whole[30:60], model.predict(batch.slice(30, 30), sum_binding(), 16, never)["total"])


def test_inputs_of_all_types_arrive_as_they_are(mixed_model, schema, never):
    """Float, integer, bool and text, as [N] and [N, 1]: the model sees what the file held."""
    source = schema(age=K.FLOAT, visits=K.INTEGER, member=K.BOOL, plan=K.STRING)
    binding = bind(inspect(mixed_model), ModelSpec(), source, JobOptions())
    plans = ["pro", "", "größer", "pro", "x" * 500]
    batch = pa.RecordBatch.from_pydict(
        {
            "x.age": pa.array([1.5, float("nan"), -0.0, 3, 4], pa.float32()),
            "x.visits": pa.array([1, 2**53 + 1, -3, 4, 5]),
            "x.member": pa.array([True, False, True, True, False]),
            "x.plan": pa.array(plans),
        }
    ).slice(1)
    outputs = load(mixed_model).predict(batch, binding, 2, never)
    np.testing.assert_array_equal(np.array([np.nan, -0.0, 3, 4], np.float32), outputs["age_out"])
    assert [2**53 + 1, -3, 4, 5] == outputs["visits_out"].tolist()
    assert [False, True, True, False] == outputs["member_out"].tolist()
    assert plans[1:] == outputs["plan_out"].tolist()


@pytest.mark.parametrize("encode", [False, True])
def test_text_keeps_a_nul_at_its_end(mixed_model, schema, encode, never):
    """numpy's fixed-width text drops trailing NULs: such a column is fed as objects."""
    binding = bind(
        inspect(mixed_model),
        ModelSpec(),
        schema(age=K.FLOAT, visits=K.INTEGER, member=K.BOOL, plan=K.STRING),
        JobOptions(),
    )
    plan = pa.array(["a\0", "b"])
    batch = pa.RecordBatch.from_pydict(
        {
            "x.age": pa.array([1, 2], pa.float32()),
            "x.visits": pa.array([1, 2]),
            "x.member": pa.array([True, True]),
            "x.plan": plan.dictionary_encode() if encode else plan,
        }
    )
    # ONNX Runtime itself cuts a text at its first NUL or keeps it: we must do what it does with objects.
    alone = ort.InferenceSession(mixed_model).run(
        ["plan_out"],
        {
            "age": np.ones((2, 1), np.float32),
            "visits": np.array([1, 2]),
            "member": np.ones((2, 1), bool),
            "plan": np.array([["a\0"], ["b"]], object),
        },
    )[0]
    assert alone.ravel().tolist() == load(mixed_model).predict(batch, binding, 8, never)["plan_out"].tolist()


@pytest.mark.parametrize("start", [0, 3])
def test_a_list_column_feeds_a_matrix(sum_model, start, never):
    """A fixed-size list is read from the slice's own offset."""
    values = np.arange(30, dtype=np.float32)
    lists = pa.FixedSizeListArray.from_arrays(pa.array(values), 3)
    batch = pa.RecordBatch.from_arrays([lists], names=["x.v"]).slice(start, 5)
    inputs = InputBinding(input="x", dtype=Dtype.FLOAT32, shape=Shape.MATRIX, slots=("x.v",))
    binding = Binding(columns=(), inputs=(inputs,), outputs=sum_binding().outputs)
    totals = load(sum_model).predict(batch, binding, 2, never)["total"]
    assert values.reshape(-1, 3).sum(axis=1)[start : start + 5].tolist() == totals.tolist()


def test_a_zipmap_comes_as_a_table(classifier, schema, never):
    """The dict per row of the original and our table hold the same numbers."""
    signature = inspect(classifier)
    binding = bind(signature, ModelSpec(), schema(a=K.FLOAT, b=K.FLOAT), JobOptions())
    batch = matrix_batch(50, ("a", "b"))
    outputs = load(classifier).predict(batch, binding, 16, never)
    feed = {"x": np.stack([batch.column(i).to_numpy() for i in range(2)], axis=1)}
    labels, odds = ort.InferenceSession(classifier).run(None, feed)
    assert labels.tolist() == outputs["label"].tolist()
    assert [[row["ham"], row["spam"]] for row in odds] == outputs["odds"].tolist()


@pytest.mark.parametrize("rows", [1, 8, 13])
def test_a_fixed_batch_axis_gets_exact_groups(write_model, rows, never):
    """The last group is filled up, and what was filled in does not come out."""
    axes = h.make_tensor("axes", T.INT64, [1], [1])
    node = h.make_node("ReduceSum", ["x", "axes"], ["total"], keepdims=1)
    path = write_model([node], [("x", T.FLOAT, [8, 3])], [("total", T.FLOAT, [8, 1])], [axes])
    batch = matrix_batch(rows)
    expected = np.sum([batch.column(i).to_numpy() for i in range(3)], axis=0)
    np.testing.assert_allclose(expected, load(path).predict(batch, sum_binding(), 4096, never)["total"], rtol=1e-6)


def test_another_row_count_fails_with_both_counts(write_model, never):
    """A model that gives one result for many rows is a bad output, never a repeated value."""
    axes = h.make_tensor("axes", T.INT64, [1], [0])
    node = h.make_node("ReduceSum", ["x", "axes"], ["total"], keepdims=1)
    path = write_model([node], [("x", T.FLOAT, [None, 3])], [("total", T.FLOAT, [None, 3])], [axes])
    binding = sum_binding(layout=Layout.WIDE, columns=("a", "b", "c"), width=3)
    with pytest.raises(BadOutput, match=r"expected 10 rows.*got 1 rows"):
        load(path).predict(matrix_batch(10), binding, 4096, never)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"layout": Layout.WIDE, "width": 2, "columns": ("a", "b")}, "2 values per row"),
        ({"dtype": Dtype.FLOAT64}, "elements of type float64"),
    ],
)
def test_other_shapes_than_promised_fail(sum_model, changes, words, never):
    """The binding is a promise of the model; what breaks it fails the chunk."""
    with pytest.raises(BadOutput, match=words):
        load(sum_model).predict(matrix_batch(10), sum_binding(**changes), 4096, never)


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


@pytest.mark.parametrize("fixed", [None, 8], ids=["dynamic", "padded"])
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


def test_a_changed_file_is_refused_with_both_digests(sum_model):
    """A model that is not the one of the job never scores a row."""
    signature = inspect(sum_model)
    digest = hashlib.sha256(sum_model.read_bytes()).hexdigest()
    sum_model.write_bytes(sum_model.read_bytes() + b"\0")
    with pytest.raises(ModelChanged, match=f"{digest}.*got sha256 [0-9a-f]{{64}}"):
        Model.load(sum_model, digest, signature)


def test_a_missing_file_is_refused(tmp_path, sum_model):
    """The path is named."""
    with pytest.raises(ModelChanged, match="no file at"):
        Model.load(tmp_path / "gone.onnx", "0" * 64, inspect(sum_model))


def test_an_abort_raises_its_own_reason(sum_model):
    """Work that must stop publishes nothing, and says why it stopped."""
    with pytest.raises(LeaseLost, match="taken over"):
        load(sum_model).predict(matrix_batch(10), sum_binding(), 1, Stopped())


def test_an_abort_ends_a_run_between_two_nodes(write_model):
    """A long run stops within a fraction of a second, not at its end."""
    size = 700
    weight = onnx.numpy_helper.from_array(np.full((size, size), 1e-3, np.float32), "w")
    nodes = [h.make_node("MatMul", [f"h{i}", "w"], [f"h{i + 1}"]) for i in range(400)]
    path = write_model(nodes, [("h0", T.FLOAT, [None, size])], [("h400", T.FLOAT, [None, size])], [weight])
    inputs = InputBinding(input="h0", dtype=Dtype.FLOAT32, shape=Shape.MATRIX, slots=("x.v",))
    output = OutputBinding(output="h400", dtype=Dtype.FLOAT32, layout=Layout.LIST, columns=("y",), width=size)
    rows = 4000
    lists = pa.FixedSizeListArray.from_arrays(pa.array(np.ones(rows * size, np.float32)), size)
    batch = pa.RecordBatch.from_arrays([lists], names=["x.v"])
    stop = threading.Event()

    class Later:
        def is_set(self):
            return stop.is_set()

        def check(self):
            return None

    threading.Timer(0.2, stop.set).start()
    begun = time.monotonic()
    with pytest.raises(LeaseLost):
        load(path).predict(batch, Binding(columns=(), inputs=(inputs,), outputs=(output,)), rows, Later())
    assert time.monotonic() - begun < 8  # to its end it is half a minute


def test_a_small_batch_is_not_worth_a_probe(sum_model):
    """A ten-row job does not spend a third of a second on measuring."""
    assert DEFAULT_MICRO_BATCH == load(sum_model).probe(matrix_batch(10), sum_binding())


def test_the_probe_names_a_size_that_it_tried(sum_model):
    """The size comes from the list, whatever the machine."""
    assert load(sum_model).probe(matrix_batch(20_000), sum_binding()) in MICRO_BATCHES


def test_the_probe_of_a_fixed_axis_is_that_axis(write_model):
    """There is nothing to choose."""
    path = write_model([h.make_node("Relu", ["x"], ["total"])], [("x", T.FLOAT, [8, 3])], [("total", T.FLOAT, [8, 3])])
    assert 8 == load(path).probe(matrix_batch(20_000), sum_binding())
