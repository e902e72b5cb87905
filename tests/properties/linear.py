"""A model with an input per type, whose answers numpy gives as well: what went in, and a weighted sum."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

DTYPES = {"a": "float32", "b": "float64", "c": "int64", "d": "bool", "e": "string", "f": "uint8"}
"""Column → type of the tensor that it feeds."""

WEIGHTS = {"a": 2.0, "b": -3.0, "c": 0.5}

_ELEMENTS = {
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
    "int64": TensorProto.INT64,
    "uint8": TensorProto.UINT8,
    "bool": TensorProto.BOOL,
    "string": TensorProto.STRING,
}


def write_model(path: Path) -> Path:
    """Inputs a … f [N]; outputs a_in … f_in as they came, and y [N] float64 = 2a − 3b + c/2, each step rounded."""
    nodes = [helper.make_node("Identity", [name], [f"{name}_in"]) for name in DTYPES]
    for name in WEIGHTS:
        nodes.append(helper.make_node("Cast", [name], [f"{name}_double"], to=TensorProto.DOUBLE))
        nodes.append(helper.make_node("Mul", [f"{name}_double", f"{name}_weight"], [f"{name}_share"]))
    nodes.append(helper.make_node("Add", ["a_share", "b_share"], ["ab"]))
    nodes.append(helper.make_node("Add", ["ab", "c_share"], ["y"]))
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info(name, _ELEMENTS[dtype], [None]) for name, dtype in DTYPES.items()],
        [helper.make_tensor_value_info(f"{name}_in", _ELEMENTS[dtype], [None]) for name, dtype in DTYPES.items()]
        + [helper.make_tensor_value_info("y", TensorProto.DOUBLE, [None])],
        [numpy_helper.from_array(np.array(weight), f"{name}_weight") for name, weight in WEIGHTS.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def answers(values: Mapping[str, Any]) -> dict[str, Any]:
    """Result column → value, for one row of the tensors' values."""
    with np.errstate(over="ignore", invalid="ignore"):
        a, b, c = (np.float64(values[name]) * np.float64(weight) for name, weight in WEIGHTS.items())
        return {**{f"{name}_in": values[name] for name in DTYPES}, "y": a + b + c}
