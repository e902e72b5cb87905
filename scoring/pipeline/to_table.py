"""The rows of a job in a Postgres table too: the copy of a chunk, and the indexes at the end."""

import time
from collections.abc import Callable

import pyarrow as pa

from scoring.data.pgcopy import copy_blocks, instant_field, integer_field, text_field
from scoring.data.result_schema import ROW
from scoring.ledger import result_copy, result_indexes, result_target
from scoring.ledger.database import Tx
from scoring.ledger.records import Job
from scoring.pipeline.context import Context
from scoring.telemetry import announce


def copy_rows(tx: Tx, job: Job, chunk: int, batch: pa.RecordBatch, check: Callable[[], None]) -> None:
    """Write the rows of a chunk into the job's table, as part of `tx`; `check` is called between two blocks.

    Does nothing where the job has no table. Raises TableRefused, and whatever `check` raises.
    """
    if job.result_table is None or batch.num_rows == 0:
        return
    begun = time.monotonic()
    target = result_target.target_of(tx, job)
    slot = (None if job.slot is None else instant_field(job.slot),)
    leading = (text_field(job.id), integer_field(chunk), *(slot if target.with_slot else ()))
    with result_copy.copying(tx, target, batch.schema.names, batch.num_rows) as write:
        for block in copy_blocks(batch, leading):
            check()
            write(block)
    result_target.target_of(tx, job)  # again, now that the COPY holds the table in its place
    rate = round(batch.num_rows / max(time.monotonic() - begun, 1e-6))
    announce("table.copied", table=target.table, chunk=chunk, rows=batch.num_rows, rows_per_second=rate)


def index_rows(context: Context, job: Job) -> None:
    """Build the indexes of what the job has filled, where they are ours to build and nobody else writes there.

    Not for a job that fails: its retry would pay for them.
    """
    if job.result_table is None or not job.succeeds:
        return
    came, reason = context.ledger.run(lambda tx: result_indexes.build_indexes(tx, job, ROW))
    if came is not result_indexes.Indexed.LEFT:
        announce(f"table.index_{came}", table=job.result_table, job=job.id, error=reason)
