"""A model whose rows say how much there is to do: nothing, more memory than there is, or work for ever."""

from pathlib import Path

import numpy as np
import onnx
import pyarrow as pa
import pyarrow.parquet as pq
from onnx import TensorProto, helper

from tests.faults.scene import Scene, Work, rows_of

WINDOW = 100_000
FOR_EVER = 1_000_000
"""Means of a whole window each: a quarter of an hour in one node, which looks at no abort meanwhile."""

TOO_MUCH = 4_000_000_000
"""Four bytes each."""


def busy_model(path: Path) -> Path:
    """y[N] = x[N] float32, once the largest `work` int64 of the rows is done. Returns the path."""
    nodes = [
        helper.make_node("ReduceMax", ["work"], ["most"], keepdims=0),
        helper.make_node("Reshape", ["most", "one"], ["more"]),
        helper.make_node("Add", ["more", "window"], ["length"]),
        helper.make_node("Concat", ["one", "one", "length"], ["shape"], axis=0),
        helper.make_node("ConstantOfShape", ["shape"], ["zeros"]),
        helper.make_node("AveragePool", ["zeros"], ["means"], kernel_shape=[WINDOW]),
        helper.make_node("ReduceMax", ["means"], ["nothing"], keepdims=0),
        helper.make_node("Add", ["x", "nothing"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "busy",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [None]),
            helper.make_tensor_value_info("work", TensorProto.INT64, [None]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None])],
        [
            helper.make_tensor("one", TensorProto.INT64, [1], [1]),
            helper.make_tensor("window", TensorProto.INT64, [1], [WINDOW]),
        ],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))
    return path


def submit_busy(scene: Scene, work: int, *, chunk: int, chunks: int = 5, chunk_rows: int = 100) -> Work:
    """A job of which one chunk has so much to do, the others nothing."""
    rows = chunks * chunk_rows
    much = np.zeros(rows, np.int64)
    much[chunk * chunk_rows] = work
    source, out = scene.folder / "busy.parquet", scene.folder / "out"
    pq.write_table(pa.table({"x": np.arange(rows, dtype=np.float32), "work": much}), source)
    model = busy_model(scene.folder / "busy.onnx")
    said = scene.program("submit", model, source, "-o", out, "--chunk-rows", chunk_rows)
    return Work(scene=scene, job_id=said.stdout.strip(), rows=rows, chunk_rows=chunk_rows, out=out)


def prove_the_others(work: Work, *, chunk: int) -> None:
    """The oracle for a job that has failed at this chunk: all other rows are public, each once, with its answer."""
    work.scene.program("audit", work.job_id)
    others = [row for row in range(work.rows) if row // work.chunk_rows != chunk]
    found = rows_of(work.out)
    assert others == found["_row"].to_pylist()
    assert others == found["y"].to_pylist()
