"""A job from submit to settled in this process, step by step, without a worker."""

import json
from pathlib import Path
from threading import Event
from typing import Any

import onnx
import pyarrow as pa
import pyarrow.parquet as pq
from onnx import TensorProto, helper

from scoring.core.arguments import job_options
from scoring.core.ids import JobId
from scoring.ledger import jobs, steps
from scoring.ledger.records import Job
from scoring.pipeline.context import Context
from scoring.pipeline.prepare import JobRequest
from scoring.pipeline.submit import submit
from scoring.pipeline.work import work


def table_model(path: Path, table: list[float]) -> Path:
    """y[N] float32 = table[i] for the input `i` int64 [N]; refuses an i beyond the table."""
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "i"], ["y"])],
        "table",
        [helper.make_tensor_value_info("i", TensorProto.INT64, [None])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None])],
        [helper.make_tensor("table", TensorProto.FLOAT, [len(table)], table)],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))
    return path


def submitted(context: Context, model: Path, rows: Path, **options: Any) -> Job:
    request = JobRequest(
        model=str(model),
        inputs=(str(rows),),
        options=job_options(**{"output": str(rows.parent / "out"), "max_rejected": "90%"} | options),
    )
    return submit(context, request, ring=False).job


def worked(context: Context, job_id: JobId) -> Job:
    """All that is due is done, chunk after chunk; finalize too."""
    while True:
        context.ledger.run(lambda tx: steps.arm_finalize(tx, job_id))
        due = [step for step in context.ledger.look(lambda tx: steps.open_steps(tx, job_id)) if step.due_at]
        if not due:
            return context.ledger.look(lambda tx: jobs.job(tx, job_id))
        work(context, due[0].id, Event())


def scored(context: Context, model: Path, rows: Path, **options: Any) -> Job:
    return worked(context, submitted(context, model, rows, **options).id)


def result(job: Job) -> list[dict[str, Any]]:
    """Rows of all parts, in order."""
    return _rows(Path(job.output).glob("part-*.parquet"))


def rejects(job: Job) -> list[dict[str, Any]]:
    """All rejected rows, in the order of their files."""
    return _rows((Path(job.output) / "_rejects").glob("part-*.parquet"))


def _rows(files: Any) -> list[dict[str, Any]]:
    return [row for file in sorted(files) for row in pq.read_table(file, partitioning=None).to_pylist()]


def write_rows(path: Path, **columns: Any) -> Path:
    """A CSV, JSON lines or Parquet file, as the name says."""
    table = pa.table(columns)
    if path.suffix == ".parquet":
        pq.write_table(table, path)
        return path
    lines = [json.dumps(row) for row in table.to_pylist()]
    if path.suffix == ".csv":
        lines = [",".join(table.schema.names), *(",".join(map(str, row.values())) for row in table.to_pylist())]
    path.write_text("\n".join(lines) + "\n")
    return path
