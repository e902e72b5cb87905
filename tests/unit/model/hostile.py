"""Model files that must not be served, each the same small model with one thing changed."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h

Change = Callable[[onnx.ModelProto], None]

WEIGHTS = "weights.bin"
"""A file beside the model, with the bytes that an external tensor of it would hold."""


def base_model() -> onnx.ModelProto:
    """y [N, 1] = x [N, 1] · w."""
    graph = h.make_graph(
        [h.make_node("Mul", ["x", "w"], ["y"])],
        "g",
        [h.make_tensor_value_info("x", T.FLOAT, [None, 1])],
        [h.make_tensor_value_info("y", T.FLOAT, [None, 1])],
        [h.make_tensor("w", T.FLOAT, [1], [2.0])],
    )
    return h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=9)


def external(location: str, name: str = "secret") -> onnx.TensorProto:
    """A tensor of one float whose bytes are said to lie in another file."""
    tensor = T(name=name, data_type=T.FLOAT, dims=[1], data_location=T.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    return tensor


def weights_elsewhere(location: str) -> Change:
    def change(model: onnx.ModelProto) -> None:
        model.graph.initializer[0].CopyFrom(external(location, "w"))

    return change


def names_a_file_but_holds_data(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].external_data.add(key="location", value=WEIGHTS)


def constant_elsewhere(model: onnx.ModelProto) -> None:
    model.graph.node.insert(0, h.make_node("Constant", [], ["c"], value=external(WEIGHTS)))


def sparse_weights_elsewhere(model: onnx.ModelProto) -> None:
    sparse = model.graph.sparse_initializer.add(dims=[4])
    sparse.values.CopyFrom(external(WEIGHTS))
    sparse.indices.CopyFrom(h.make_tensor("", T.INT64, [1], [0]))


def branch_elsewhere(model: onnx.ModelProto) -> None:
    """In both branches of an If, two graphs deep."""
    inner = h.make_graph([h.make_node("Identity", ["secret"], ["z"])], "in", [], [_float("z")], [external(WEIGHTS)])
    outer = h.make_graph([_choice("z", inner)], "out", [], [_float("z")])
    model.graph.initializer.append(h.make_tensor("yes", T.BOOL, [], [True]))
    model.graph.node.append(_choice("chosen", outer))


def function_elsewhere(model: onnx.ModelProto) -> None:
    body = [h.make_node("Constant", [], ["c"], value=external(WEIGHTS)), h.make_node("Mul", ["a", "c"], ["b"])]
    model.functions.append(h.make_function("own", "Twice", ["a"], ["b"], body, [h.make_opsetid("", 17)]))


def training_elsewhere(model: onnx.ModelProto) -> None:
    model.training_info.add().initialization.initializer.append(external(WEIGHTS))


def custom_operator(model: onnx.ModelProto) -> None:
    model.opset_import.append(h.make_opsetid("acme", 1))
    model.graph.node.append(h.make_node("Exfiltrate", ["x"], ["z"], domain="acme"))


def custom_operator_in_a_branch(model: onnx.ModelProto) -> None:
    model.opset_import.append(h.make_opsetid("acme", 1))
    branch = h.make_graph([h.make_node("Exfiltrate", ["x"], ["z"], domain="acme")], "in", [], [_float("z")])
    model.graph.initializer.append(h.make_tensor("yes", T.BOOL, [], [True]))
    model.graph.node.append(_choice("chosen", branch))


def custom_operator_in_a_function(model: onnx.ModelProto) -> None:
    body = [h.make_node("Exfiltrate", ["a"], ["b"], domain="acme")]
    model.functions.append(h.make_function("own", "Twice", ["a"], ["b"], body, [h.make_opsetid("acme", 1)]))


def unknown_operator(model: onnx.ModelProto) -> None:
    model.graph.node.append(h.make_node("Frobnicate", ["x"], ["z"]))


def no_form(model: onnx.ModelProto) -> None:
    """A value that nothing makes."""
    model.graph.node[0].input[1] = "nobody"


def memory_bomb(model: onnx.ModelProto) -> None:
    """Asks for 4 TB of zeros, in a file of less than 200 bytes."""
    model.graph.initializer.append(h.make_tensor("size", T.INT64, [1], [2**40]))
    _before(
        model,
        h.make_node("ConstantOfShape", ["size"], ["zeros"]),
        h.make_node("ReduceSum", ["zeros"], ["c"], keepdims=0),
    )


def endless_loop(model: onnx.ModelProto) -> None:
    """A Loop without a trip count whose condition stays true."""
    values = [("i", T.INT64), ("on", T.BOOL), ("v", T.FLOAT)]
    body = h.make_graph(
        [h.make_node("Identity", ["on"], ["on_out"]), h.make_node("Identity", ["v"], ["v_out"])],
        "body",
        [h.make_tensor_value_info(name, kind, []) for name, kind in values],
        [h.make_tensor_value_info(name + "_out", kind, []) for name, kind in values[1:]],
    )
    model.graph.initializer.extend([h.make_tensor("yes", T.BOOL, [], [True]), h.make_tensor("v0", T.FLOAT, [], [1.0])])
    _before(model, h.make_node("Loop", ["", "yes", "v0"], ["c"], body=body))


def hostile_neighbours(folder: Path) -> None:
    """What external data might name: a file, a link to one, a second name of one, and a pipe that nobody writes to."""
    (folder / WEIGHTS).write_bytes(np.float32(2.0).tobytes())
    (folder / "link.bin").symlink_to(folder / WEIGHTS)
    os.link(folder / WEIGHTS, folder / "hard.bin")
    os.mkfifo(folder / "pipe.bin")
    (folder / "sub").mkdir()
    os.link(folder / WEIGHTS, folder / "sub" / WEIGHTS)


def _before(model: onnx.ModelProto, *nodes: onnx.NodeProto) -> None:
    """The nodes make a scalar `c`, which is added to x."""
    model.graph.node[0].input[0] = "x_and_c"
    for node in reversed((*nodes, h.make_node("Add", ["x", "c"], ["x_and_c"]))):
        model.graph.node.insert(0, node)


def _choice(output: str, branch: onnx.GraphProto) -> onnx.NodeProto:
    return h.make_node("If", ["yes"], [output], then_branch=branch, else_branch=branch)


def _float(name: str) -> onnx.ValueInfoProto:
    return h.make_tensor_value_info(name, T.FLOAT, None)
