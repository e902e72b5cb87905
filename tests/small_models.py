"""Models of a few nodes whose answers a test can work out by hand."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import onnx
from onnx import TensorProto, helper

from scoring.model.check import check_model, read_model
from scoring.model.signature import Signature


def inspect(path: Path) -> Signature:
    """What the model in a file wants and gives, once the file is checked whole."""
    return check_model(read_model(path)[0], path, {}).signature


@cache
def signature_of(data: bytes) -> Signature:
    """As `inspect`, for tests of something else than the check: the same bytes are checked once."""
    return check_model(data, Path("model.onnx"), {}).signature


def linear_model(path: Path, *, weights: Sequence[float]) -> Path:
    """y[N,1] = x[N,F] · weights, all float32; the columns are not named. Returns the path."""
    count = len(weights)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, count])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor("w", TensorProto.FLOAT, [count, 1], list(weights))],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, str(path))
    return path


def churn_model(path: Path) -> Path:
    """label [N] int64 and probabilities [N,2] float32 from inputs `age` float [N,1] and `plan` string [N,1].

    P(1) = sigmoid((45 − age) / 10 + bias), bias 0.5 for the plan "free", else 0. Returns the path.
    """
    nodes = [
        helper.make_node(
            "LabelEncoder",
            ["plan"],
            ["bias"],
            domain="ai.onnx.ml",
            keys_strings=["free"],
            values_floats=[0.5],
            default_float=0.0,
        ),
        helper.make_node("Sub", ["center", "age"], ["below"]),
        helper.make_node("Div", ["below", "scale"], ["steep"]),
        helper.make_node("Add", ["steep", "bias"], ["z"]),
        helper.make_node("Sigmoid", ["z"], ["p1"]),
        helper.make_node("Sub", ["one", "p1"], ["p0"]),
        helper.make_node("Concat", ["p0", "p1"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=0),
    ]
    constants = {"center": 45.0, "scale": 10.0, "one": 1.0}
    graph = helper.make_graph(
        nodes,
        "churn",
        [
            helper.make_tensor_value_info("age", TensorProto.FLOAT, [None, 1]),
            helper.make_tensor_value_info("plan", TensorProto.STRING, [None, 1]),
        ],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2]),
        ],
        [helper.make_tensor(name, TensorProto.FLOAT, [1], [value]) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), str(path))
    return path
