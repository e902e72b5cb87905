"""Models of a few nodes whose answers a test can work out by hand."""

from collections.abc import Sequence
from pathlib import Path

import onnx
from onnx import TensorProto, helper


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
