"""What is read from a model file, and which files are refused."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto as T
from onnx import helper as h

from scoring.core.columns import Dtype
from scoring.core.errors import ErrorCode, InputMissing, ModelRefused
from scoring.model.signature import Signature, TensorInfo, read_signature
from tests.small_models import inspect


def test_inputs_and_outputs_are_read(sum_model):
    """Names, types and open axes stand in the signature."""
    signature = inspect(sum_model)
    assert (TensorInfo(name="x", dtype=Dtype.FLOAT32, dims=(None, 3)),) == signature.inputs
    assert ("total", Dtype.FLOAT32, (None, 1)) == (
        signature.outputs[0].name,
        signature.outputs[0].dtype,
        signature.outputs[0].dims,
    )


def test_a_signature_survives_json(classifier):
    """What is stored with the model version is what was read."""
    signature = inspect(classifier)
    assert signature == Signature.from_json(json.loads(json.dumps(signature.to_json())))


def test_a_zipmap_is_a_table_with_classes(classifier):
    """A dict per row is announced as a float column per class."""
    odds = inspect(classifier).outputs[1]
    assert (Dtype.FLOAT32, (None, 2), ("ham", "spam")) == (odds.dtype, odds.dims, odds.zipmap)


def test_weights_among_the_inputs_are_no_inputs(write_model):
    """Files of old versions list their weights as inputs; nobody has to feed them."""
    weight = h.make_tensor("w", T.FLOAT, [1], [2.0])
    node = h.make_node("Mul", ["x", "w"], ["y"])
    path = write_model([node], [("x", T.FLOAT, [None, 1]), ("w", T.FLOAT, [1])], [("y", T.FLOAT, [None, 1])], [weight])
    assert ["x"] == [tensor.name for tensor in inspect(path).inputs]


def test_classes_are_found_behind_an_argmax(write_model):
    """skl2onnx keeps the labels of a neural network in a table that an argmax picks from."""
    labels = h.make_tensor("classes", T.INT64, [3], [3, 5, 9])
    nodes = [
        h.make_node("ArgMax", ["x"], ["best"], axis=1, keepdims=0),
        h.make_node("ArrayFeatureExtractor", ["classes", "best"], ["row"], domain="ai.onnx.ml"),
        h.make_node("Reshape", ["row", "flat"], ["label"]),
    ]
    tables = [labels, h.make_tensor("flat", T.INT64, [1], [-1])]
    path = write_model(nodes, [("x", T.FLOAT, [None, 3])], [("label", T.INT64, [None])], tables)
    assert ("3", "5", "9") == inspect(path).classes


@pytest.mark.parametrize("text", ['["a b", "c"]', "a b, c"])
def test_feature_names_come_from_the_metadata(write_model, text):
    """A JSON list, or names separated by commas."""
    path = write_model(
        [h.make_node("Identity", ["x"], ["y"])],
        [("x", T.FLOAT, [None, 2])],
        [("y", T.FLOAT, [None, 2])],
        metadata={"feature_names": text},
    )
    assert ("a b", "c") == inspect(path).feature_names


def test_an_open_width_is_learnt_from_a_run(write_model):
    """An output whose shape is not declared is run once on rows of zeros."""
    path = write_model([h.make_node("Softmax", ["x"], ["y"])], [("x", T.FLOAT, [None, 4])], [("y", T.FLOAT, None)])
    assert (None, 4) == inspect(path).outputs[0].dims


def test_a_width_that_nothing_tells_is_refused(write_model):
    """With open axes on both sides nobody knows how many columns the result has: the message says what to declare."""
    path = write_model([h.make_node("Relu", ["x"], ["y"])], [("x", T.FLOAT, [None, None])], [("y", T.FLOAT, None)])
    with pytest.raises(ModelRefused, match=r"width of output 'y' is not known.*\[None, 2\]"):
        inspect(path)


def test_a_fixed_batch_axis_is_seen(write_model):
    """A model exported for 8 rows says so."""
    path = write_model([h.make_node("Relu", ["x"], ["y"])], [("x", T.FLOAT, [8, 2])], [("y", T.FLOAT, [8, 2])])
    assert 8 == inspect(path).fixed_rows


@pytest.mark.parametrize(
    ("operator", "dims", "declared", "words"),
    [
        ("Squeeze", [1, 3], [3], "one row from one row; got 3 rows"),
        ("Unsqueeze", [None, 3], [1, None, 3], "2 rows from 2 rows; got 1 rows"),
        ("Unsqueeze", [None, 3], None, "2 rows from 2 rows; got 1 rows"),
    ],
    ids=["a fixed row", "any rows", "not declared"],
)
def test_an_output_of_other_rows_is_refused(write_model, operator, dims, declared, words):
    """The trial run shows it, so no job has to fail of it."""
    places = h.make_tensor("axes", T.INT64, [1], [0])
    node = h.make_node(operator, ["x", "axes"], ["y"])
    path = write_model([node], [("x", T.FLOAT, dims)], [("y", T.FLOAT, declared)], [places])
    with pytest.raises(ModelRefused, match=f"'y' has another number of rows than the inputs; expected {words}"):
        inspect(path)


@pytest.mark.parametrize(
    ("given", "made", "words"),
    [(T.BFLOAT16, T.FLOAT, "input 'x' .* got bfloat16"), (T.FLOAT, T.COMPLEX64, "output 'y' .* got complex64")],
)
def test_types_that_no_column_has_are_called_by_their_names(write_model, given, made, words):
    """The way out is a cast inside the graph."""
    path = write_model([h.make_node("Identity", ["x"], ["y"])], [("x", given, [None])], [("y", made, [None])])
    with pytest.raises(ModelRefused, match=f"{words}; cast it inside the graph"):
        read_signature(onnx.load(path))


def test_a_model_that_takes_or_gives_nothing_is_refused(write_model):
    """It is said what is missing: there is nothing to score, or nothing to write."""
    one = h.make_node("Constant", [], ["y"], value=h.make_tensor("one", T.FLOAT, [1], [1.0]))
    with pytest.raises(ModelRefused, match="the model has no input"):
        inspect(write_model([one], [], [("y", T.FLOAT, [1])]))
    with pytest.raises(ModelRefused, match=r"the model has no output; .*got 1 operators"):
        inspect(write_model([one], [("x", T.FLOAT, [None, 1])], []))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"id,x\n1,2\n", "not an ONNX model"),
        (b"\x80\x04\x95 pickle", "not an ONNX model"),
        (b"PAR1" + bytes(100), "not an ONNX model"),
    ],
    ids=["empty", "CSV", "pickle", "Parquet"],
)
def test_other_files_are_refused(tmp_path, data, words):
    """What is no model is refused in words, with the exit code of a refused input."""
    path = tmp_path / "m.onnx"
    path.write_bytes(data)
    with pytest.raises(ModelRefused, match=words) as refused:
        inspect(path)
    assert (ErrorCode.MODEL_REFUSED, 4) == (refused.value.code, refused.value.exit_code)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_truncated_model_is_refused(classifier, share):
    """A cut download never becomes a job, wherever it was cut."""
    whole = classifier.read_bytes()
    classifier.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ModelRefused):
        inspect(classifier)


def test_a_missing_model_is_named(tmp_path):
    """The path stands in the message."""
    with pytest.raises(InputMissing, match=r"no model at .*gone\.onnx"):
        inspect(tmp_path / "gone.onnx")


def test_a_folder_is_refused(tmp_path):
    """A folder is no model, and the message says which folders are read."""
    words = r"expected an \.onnx file .*; got a folder; .*a model folder that MLflow wrote"
    with pytest.raises(ModelRefused, match=words) as refused:
        inspect(tmp_path)
    assert 4 == refused.value.exit_code


def test_external_weights_are_refused_and_not_followed(tmp_path, sum_model):
    """A path inside a model is never opened."""
    model = onnx.load(sum_model)
    weight = onnx.numpy_helper.from_array(np.ones(4, np.float32), "w")
    onnx.external_data_helper.set_external_data(weight, location="../../etc/passwd")
    weight.ClearField("raw_data")
    weight.data_location = T.EXTERNAL
    model.graph.initializer.append(weight)
    sum_model.write_bytes(model.SerializeToString())
    with pytest.raises(ModelRefused, match="weights in other files"):
        inspect(sum_model)


def test_custom_operators_are_refused(write_model):
    """An operator that the runtime does not have is told apart from a broken file."""
    path = write_model(
        [h.make_node("Frobnicate", ["x"], ["y"], domain="ai.onnx.ml")],
        [("x", T.FLOAT, [None, 1])],
        [("y", T.FLOAT, [None, 1])],
    )
    with pytest.raises(ModelRefused, match="custom operators are not supported"):
        inspect(path)
