"""Short hands for the tests of result tables: a table, a job that fills it, rows that mean nothing."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from sqlalchemy import text

from scoring.core.result_table import PartitionBy, ResultTable, TableColumn, TableName
from scoring.ledger.records import Job
from scoring.ledger.result_indexes import Indexed, build_indexes
from scoring.pipeline.to_table import copy_rows
from tests.ledger.desk import Desk

SCORES = TableName(schema="public", name="scores")
COLUMNS = (
    TableColumn(name="_row", type="bigint"),
    TableColumn(name="100%", type="text"),
    TableColumn(name="score", type="double precision"),
)
SLOT = datetime(2026, 11, 22, 2, tzinfo=UTC)


def table(
    name: TableName = SCORES, columns: Sequence[TableColumn] = COLUMNS, by: PartitionBy | None = None
) -> ResultTable:
    return ResultTable(name=name, columns=tuple(columns), partition_by=by)


def submit(desk: Desk, wanted: ResultTable | None = None, **changes: Any) -> Job:
    return desk.submit(result_table=wanted or table(), **changes)


def rows(first: int = 0, count: int = 3, name: str = "x") -> pa.RecordBatch:
    numbers = range(first, first + count)
    return pa.record_batch(
        {"_row": pa.array(numbers, pa.int64()), "100%": [name] * count, "score": [n / 2 for n in numbers]}
    )


def write(desk: Desk, job: Job, batch: pa.RecordBatch | None = None, chunk: int = 0) -> None:
    desk.run(lambda tx: copy_rows(tx, job, chunk, rows() if batch is None else batch, lambda: None))


def sql(desk: Desk, statement: str) -> list[Any]:
    with desk.ledger.write() as tx:
        found = tx.execute(text(statement))
        return [tuple(row) for row in found] if found.returns_rows else []


def indexes(desk: Desk) -> list[str]:
    return [row[0] for row in sql(desk, "SELECT indexdef FROM pg_indexes WHERE tablename LIKE 'scores%' ORDER BY 1")]


def build(desk: Desk, job: Job) -> Indexed:
    return desk.run(lambda tx: build_indexes(tx, job, "_row"))[0]


def finished(desk: Desk, **changes: Any) -> Job:
    job = submit(desk, **changes)
    desk.split_into(job.id, 1)
    write(desk, job)
    desk.complete(job.id, 0)
    return desk.finish(job.id)
