"""Graphs of a few nodes for what no converter writes every day: odd types, odd axes, several groups of columns."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.models.export.keep import keep, wide
from tests.models.export.people import COUNTRIES, PLANS

ROWS = 150
OPSET = 18

DTYPES = ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


def export() -> None:
    draw = np.random.default_rng(9)
    _every_type(draw)
    _matrices(draw)
    _axes(draw)
    _outputs(draw)
    _groups(draw)


def _every_type(draw: np.random.Generator) -> None:
    """An input [N] or [N,1] per type that a column can feed; each comes out again, and the sum of all numbers."""
    rows: dict[str, Any] = {name: _numbers(draw, np.dtype(name)) for name in DTYPES}
    rows |= {"flag": draw.random(ROWS) < 0.5, "word": draw.choice(PLANS, ROWS)}
    numbers = (*DTYPES, "flag")
    nodes = [helper.make_node("Identity", [name], [f"{name}_out"]) for name in rows]
    nodes += [helper.make_node("Cast", [name], [f"{name}_double"], to=TensorProto.DOUBLE) for name in numbers]
    nodes += [helper.make_node("Reshape", [f"{name}_double", "column"], [f"{name}_column"]) for name in numbers]
    nodes += [helper.make_node("Sum", [f"{name}_column" for name in numbers], ["total"])]
    shapes = {name: [None, 1] if index % 2 else [None] for index, name in enumerate(rows)}
    model = _model(
        "types",
        nodes,
        [(name, _element(values), shapes[name]) for name, values in rows.items()],
        [(f"{name}_out", _element(values), shapes[name]) for name, values in rows.items()]
        + [("total", TensorProto.DOUBLE, [None, 1])],
        {"column": np.array([-1, 1])},
    )
    total = sum(rows[name].astype(np.float64) for name in numbers)
    keep("hand_types", model, rows, {**{f"{name}_out": values for name, values in rows.items()}, "total": total})


def _matrices(draw: np.random.Generator) -> None:
    """[N,F] of float16, uint8 and bool."""
    half = draw.normal(0, 2, (ROWS, 4)).astype(np.float16)
    model = _model(
        "half",
        [helper.make_node("ReduceMax", ["features", "axis"], ["largest"], keepdims=0)],
        [("features", TensorProto.FLOAT16, [None, 4])],
        [("largest", TensorProto.FLOAT16, [None])],
        {"axis": np.array([1])},
    )
    keep("hand_half", model, wide("h", half), {"largest": half.max(axis=1)}, features=[f"h_{i}" for i in range(4)])
    pixels = draw.integers(0, 256, (ROWS, 6), dtype=np.uint8)
    model = _model(
        "pixels",
        [
            helper.make_node("Cast", ["features"], ["wide"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMean", ["wide", "axis"], ["brightness"]),
        ],
        [("features", TensorProto.UINT8, [None, 6])],
        [("brightness", TensorProto.FLOAT, [None, 1])],
        {"axis": np.array([1])},
    )
    names = [f"p_{i}" for i in range(6)]
    keep("hand_pixels", model, wide("p", pixels), {"brightness": pixels.mean(axis=1)}, features=names)
    flags = draw.random((ROWS, 3)) < 0.6
    model = _model(
        "flags",
        [helper.make_node("Not", ["features"], ["denied"])],
        [("features", TensorProto.BOOL, [None, 3])],
        [("denied", TensorProto.BOOL, [None, 3])],
    )
    keep("hand_flags", model, wide("f", flags), wide("denied", ~flags), features=[f"f_{i}" for i in range(3)])


def _axes(draw: np.random.Generator) -> None:
    """A fixed number of rows per run, 1 and 8; and an open number of columns."""
    values, weights = draw.normal(0, 1, (ROWS, 3)).astype(np.float32), np.array([[0.5], [-2.0], [3.0]], np.float32)
    names = [f"x_{i}" for i in range(3)]
    for rows in (1, 8):
        model = _model(
            f"fixed_{rows}",
            [helper.make_node("MatMul", ["features", "weights"], ["y"])],
            [("features", TensorProto.FLOAT, [rows, 3])],
            [("y", TensorProto.FLOAT, [rows, 1])],
            {"weights": weights},
        )
        keep(f"hand_fixed_{rows}", model, wide("x", values), {"y": (values @ weights)[:, 0]}, features=names)
    model = _model(
        "open",
        [helper.make_node("ReduceSum", ["features", "axis"], ["y"], keepdims=0)],
        [("features", TensorProto.FLOAT, ["rows", "width"])],
        [("y", TensorProto.FLOAT, ["rows"])],
        {"axis": np.array([1])},
    )
    keep("hand_open", model, wide("x", values), {"y": values.sum(axis=1)}, features=names)


def _outputs(draw: np.random.Generator) -> None:
    """Outputs beyond a column per class: rank 3, more than 32 values, and text."""
    values = draw.normal(0, 1, (ROWS, 3)).astype(np.float32)
    names = [f"x_{i}" for i in range(3)]
    pairs = np.stack([values, values * 2], axis=1)
    model = _model(
        "pairs",
        [
            helper.make_node("Mul", ["features", "two"], ["double"]),
            helper.make_node("Unsqueeze", ["features", "axis"], ["first"]),
            helper.make_node("Unsqueeze", ["double", "axis"], ["second"]),
            helper.make_node("Concat", ["first", "second"], ["pairs"], axis=1),
        ],
        [("features", TensorProto.FLOAT, [None, 3])],
        [("pairs", TensorProto.FLOAT, [None, 2, 3])],
        {"two": np.array(2, np.float32), "axis": np.array([1])},
    )
    keep("hand_pairs", model, wide("x", values), {"pairs": pairs}, features=names)
    weights = draw.normal(0, 1, (3, 40)).astype(np.float32)
    model = _model(
        "embedding",
        [helper.make_node("MatMul", ["features", "weights"], ["embedding"])],
        [("features", TensorProto.FLOAT, [None, 3])],
        [("embedding", TensorProto.FLOAT, [None, 40])],
        {"weights": weights},
    )
    keep("hand_embedding", model, wide("x", values), {"embedding": values @ weights}, features=names)
    words = np.column_stack([draw.choice(PLANS, ROWS), draw.choice(COUNTRIES, ROWS)])
    model = _model(
        "words",
        [helper.make_node("Identity", ["words"], ["said"])],
        [("words", TensorProto.STRING, [None, 2])],
        [("said", TensorProto.STRING, [None, 2])],
    )
    rows = {"plan": words[:, 0], "country": words[:, 1]}
    keep("hand_words", model, rows, wide("said", words), spec="inputs:\n  words: [plan, country]\n")


def _groups(draw: np.random.Generator) -> None:
    """A matrix of floats, one of text, a list of ids and a flag, all into one number."""
    floats = draw.normal(0, 1, (ROWS, 3)).astype(np.float32)
    words = np.column_stack([draw.choice(PLANS, ROWS), draw.choice(COUNTRIES, ROWS)])
    ids, flag = draw.integers(0, 20, (ROWS, 4)), draw.random(ROWS) < 0.5
    table = draw.normal(0, 1, 20).astype(np.float32)
    keys = (*PLANS, *COUNTRIES)
    nodes = [
        helper.make_node(
            "LabelEncoder",
            ["words"],
            ["coded"],
            domain="ai.onnx.ml",
            keys_strings=keys,
            values_floats=[float(i) for i in range(len(keys))],
            default_float=-1.0,
        ),
        helper.make_node("Gather", ["table", "ids"], ["weights"]),
        helper.make_node("Cast", ["flag"], ["one"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["one", "axis"], ["ones"]),
        helper.make_node("Concat", ["floats", "coded", "weights", "ones"], ["all"], axis=1),
        helper.make_node("ReduceSum", ["all", "axis"], ["y"], keepdims=0),
    ]
    model = _model(
        "groups",
        nodes,
        [
            ("floats", TensorProto.FLOAT, [None, 3]),
            ("words", TensorProto.STRING, [None, 2]),
            ("ids", TensorProto.INT64, [None, 4]),
            ("flag", TensorProto.BOOL, [None]),
        ],
        [("y", TensorProto.FLOAT, [None])],
        {"table": table, "axis": np.array([1])},
    )
    codes = np.vectorize(keys.index)(words)
    expected = floats.sum(axis=1) + codes.sum(axis=1) + table[ids].sum(axis=1) + flag
    rows = {**wide("x", floats), "plan": words[:, 0], "country": words[:, 1], "ids": ids, "flag": flag}
    spec = "inputs:\n  floats: [x_0, x_1, x_2]\n  words: [plan, country]\n"
    keep("hand_groups", model, rows, {"y": expected}, spec=spec)


def _numbers(draw: np.random.Generator, dtype: np.dtype[Any]) -> np.ndarray:
    """The ends of the type among them, as far as a float64 sum still holds them."""
    if dtype.kind == "f":
        return draw.normal(0, 100, ROWS).astype(dtype)
    limits = np.iinfo(dtype)
    low, high = max(limits.min, -(2**40)), min(int(limits.max), 2**40)
    return np.r_[low, high, draw.integers(low, high, ROWS - 2, endpoint=True)].astype(dtype)


def _element(values: np.ndarray) -> int:
    return TensorProto.STRING if values.dtype.kind == "U" else helper.np_dtype_to_tensor_dtype(values.dtype)


def _model(
    name: str,
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[tuple[str, int, list[Any]]],
    outputs: Sequence[tuple[str, int, list[Any]]],
    weights: dict[str, np.ndarray] | None = None,
) -> onnx.ModelProto:
    graph = helper.make_graph(
        list(nodes),
        name,
        [helper.make_tensor_value_info(*each) for each in inputs],
        [helper.make_tensor_value_info(*each) for each in outputs],
        [numpy_helper.from_array(values, key) for key, values in (weights or {}).items()],
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)
