"""Small models, made with onnx alone."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pyarrow as pa
import pytest
from onnx import TensorProto as T
from onnx import helper as h

from scoring.core.options import JobOptions
from scoring.core.source import ColumnKind, FileColumn, SourceSchema
from scoring.data.arrow_types import file_column
from scoring.data.parquet_read import slot_batch
from scoring.data.screen import screen
from scoring.model import graph
from scoring.model.abort import Abort
from scoring.model.bind import bind
from scoring.model.runner import Model
from scoring.model.signature import read_signature
from scoring.model.spec import ModelSpec

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


ONNX = {
    "float16": T.FLOAT16,
    "float32": T.FLOAT,
    "float64": T.DOUBLE,
    "int8": T.INT8,
    "int16": T.INT16,
    "int32": T.INT32,
    "int64": T.INT64,
    "uint8": T.UINT8,
    "uint16": T.UINT16,
    "uint32": T.UINT32,
    "uint64": T.UINT64,
    "bool": T.BOOL,
    "str": T.STRING,
}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a model that gives back its input said of the clean rows."""

    # [n, values per row], flattened in C order.
    values: np.ndarray
    # The same of the session alone, fed with the expected tensor.
    alone: np.ndarray
    faults: list[tuple[int, str]]
    # Code and rows.
    warnings: list[tuple[str, int]]

    def check(self, expected: np.ndarray) -> None:
        """Bit for bit what the session alone says, and what the file holds."""
        assert [] == self.faults
        assert self.alone.dtype == self.values.dtype
        np.testing.assert_array_equal(self.alone, self.values)
        np.testing.assert_array_equal(expected.reshape(len(expected), -1), self.values)


Feed = Callable[..., Answer]


@pytest.fixture
def feed(write_model, never) -> Feed:
    """feed(columns, expected tensor, shape): binds the columns to the input x of a model y = x, and scores them."""

    def run(columns, expected, shape, spec=ModelSpec(), options=JobOptions()) -> Answer:  # noqa: B008  # both frozen
        kind = ONNX["str" if expected.dtype.kind == "O" else expected.dtype.name]
        sizes = [None, *expected.shape[1:]]
        path = write_model([h.make_node("Identity", ["x"], ["y"])], [("x", kind, shape)], [("y", kind, sizes)])
        data = path.read_bytes()
        signature = read_signature(graph.parse(data))
        table = pa.RecordBatch.from_pydict(columns)
        source = SourceSchema(
            columns=tuple(map(file_column, table.schema)), rows=0, rows_exact=True, bytes=0, sample={}
        )
        binding = bind(signature, spec, source, options)
        found = screen(slot_batch(table, binding.columns), binding.columns)
        model = Model.load(path, hashlib.sha256(data).hexdigest(), signature)
        values = model.predict(found.batch, binding, 2, never)["y"]
        alone = np.concatenate(
            [ort.InferenceSession(data).run(None, {"x": part})[0] for part in _parts(expected, shape)]
        )
        rows = len(expected)
        return Answer(
            values=values.reshape(rows, -1),
            alone=alone[:rows].reshape(rows, -1),
            faults=[(fault.row, fault.code) for fault in found.faults],
            warnings=[(warning.code, warning.rows) for warning in found.warnings],
        )

    return run


def _parts(tensor, shape):
    """What a session alone is fed: in groups of the fixed size, the last row again where one is short."""
    size = shape[0] or len(tensor)
    for first in range(0, len(tensor), size):
        part = tensor[first : first + size]
        yield np.concatenate([part, np.repeat(part[-1:], size - len(part), axis=0)])
