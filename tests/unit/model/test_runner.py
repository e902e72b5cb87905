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
from scoring.core.errors import BadOutput, LeaseLost, ModelChanged
from scoring.core.options import JobOptions
from scoring.core.source import ColumnKind as K
from scoring.model.bind import bind
from scoring.model.runner import DEFAULT_MICRO_BATCH, MICRO_BATCHES, Model
from scoring.model.spec import ModelSpec
from tests.small_models import inspect, signature_of


class Stopped:
    """Set from the start; its reason is a lost lease."""

    def is_set(self):
        return True

    def check(self):
        raise LeaseLost("taken over")


def load(path):
    data = path.read_bytes()
    return Model.load(path, hashlib.sha256(data).hexdigest(), signature_of(data))


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
    """A model that leaves out rows, though none of the trial run, is a bad output, never a repeated value."""
    zero = h.make_tensor("zero", T.FLOAT, [1], [0.0])
    nodes = [
        h.make_node("ReduceMax", ["x"], ["most"], axes=[1], keepdims=0),
        h.make_node("LessOrEqual", ["most", "zero"], ["kept"]),
        h.make_node("Compress", ["x", "kept"], ["total"], axis=0),
    ]
    path = write_model(nodes, [("x", T.FLOAT, [None, 3])], [("total", T.FLOAT, [None, 3])], [zero])
    binding = sum_binding(layout=Layout.WIDE, columns=("a", "b", "c"), width=3)
    with pytest.raises(BadOutput, match=r"expected 10 rows.*got 0 rows"):
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
            if stop.is_set():
                raise LeaseLost("taken over")

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
