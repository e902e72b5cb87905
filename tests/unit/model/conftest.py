"""Small models, made with onnx alone."""

from collections.abc import Callable, Sequence
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto as T
from onnx import helper as h

from scoring.core.source import ColumnKind, FileColumn, SourceSchema
from scoring.model.abort import Abort

Write = Callable[..., Path]


@pytest.fixture
def write_model(tmp_path: Path) -> Write:
    """Writes a graph to tmp_path. inputs and outputs: (name, element type, shape)."""

    def write(
        nodes: Sequence[onnx.NodeProto],
        inputs: Sequence[tuple],
        outputs: Sequence[tuple],
        weights: Sequence[onnx.TensorProto] = (),
        metadata: dict[str, str] | None = None,
        name: str = "model.onnx",
    ) -> Path:
        graph = h.make_graph(
            nodes,
            "g",
            [h.make_tensor_value_info(*value) for value in inputs],
            [
                value if isinstance(value, onnx.ValueInfoProto) else h.make_tensor_value_info(*value)
                for value in outputs
            ],
            list(weights),
        )
        domains = [h.make_opsetid("", 15), h.make_opsetid("ai.onnx.ml", 2)]
        model = h.make_model(graph, opset_imports=domains, ir_version=8)
        for key, value in (metadata or {}).items():
            entry = model.metadata_props.add()
            entry.key, entry.value = key, value
        path = tmp_path / name
        path.write_bytes(model.SerializeToString())
        return path

    return write


@pytest.fixture
def never() -> Abort:
    """An abort that never comes."""

    class Never:
        def is_set(self) -> bool:
            return False

        def check(self) -> None:
            return None

    return Never()


@pytest.fixture
def sum_model(write_model: Write) -> Path:
    """x float [N, 3] → total [N, 1], the sum of the row."""
    axes = h.make_tensor("axes", T.INT64, [1], [1])
    node = h.make_node("ReduceSum", ["x", "axes"], ["total"], keepdims=1)
    return write_model([node], [("x", T.FLOAT, [None, 3])], [("total", T.FLOAT, [None, 1])], [axes])


@pytest.fixture
def classifier(write_model: Write) -> Path:
    """x float [N, 2] → label string [N] and a ZipMap of ham and spam; P(spam) = logistic(x0 + x1)."""
    node = h.make_node(
        "LinearClassifier",
        ["x"],
        ["label", "scores"],
        domain="ai.onnx.ml",
        classlabels_strings=["ham", "spam"],
        coefficients=[-1.0, -1.0, 1.0, 1.0],
        intercepts=[0.0, 0.0],
        multi_class=0,
        post_transform="LOGISTIC",
    )
    zipmap = h.make_node("ZipMap", ["scores"], ["odds"], domain="ai.onnx.ml", classlabels_strings=["ham", "spam"])
    odds = onnx.ValueInfoProto(name="odds")
    row = odds.type.sequence_type.elem_type.map_type
    row.key_type, row.value_type.tensor_type.elem_type = T.STRING, T.FLOAT
    return write_model([node, zipmap], [("x", T.FLOAT, [None, 2])], [("label", T.STRING, [None]), odds])


@pytest.fixture
def mixed_model(write_model: Write) -> Path:
    """Named inputs of four types, [N] and [N, 1] → each comes out again."""
    inputs = [
        ("age", T.FLOAT, [None, 1]),
        ("visits", T.INT64, [None]),
        ("member", T.BOOL, [None, 1]),
        ("plan", T.STRING, [None, 1]),
    ]
    nodes = [h.make_node("Identity", [name], [f"{name}_out"]) for name, _, _ in inputs]
    return write_model(nodes, inputs, [(f"{name}_out", kind, shape) for name, kind, shape in inputs])


@pytest.fixture
def schema() -> Callable[..., SourceSchema]:
    """A source with columns of the given kinds: schema(age=ColumnKind.FLOAT)."""

    def build(_lists: dict[str, int] | None = None, /, **kinds: ColumnKind) -> SourceSchema:
        columns = [
            FileColumn(
                name=name, kind=kind, type=kind.value, looks_numeric=kind is ColumnKind.TEXT and "text" not in name
            )
            for name, kind in kinds.items()
        ]
        columns += [
            FileColumn(name=name, kind=ColumnKind.LIST, type="list", element=ColumnKind.FLOAT, dims=(size,))
            for name, size in (_lists or {}).items()
        ]
        return SourceSchema(columns=tuple(columns), rows=0, rows_exact=True, bytes=0, sample={})

    return build
