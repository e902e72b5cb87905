"""One small chunk as the split writes it."""

from pathlib import Path

import pyarrow as pa

from scoring.core.chunks import Chunk
from scoring.core.columns import ColumnSpec, Dtype, NullAction, RejectCode
from scoring.data.chunk_builder import ChunkBuilder
from scoring.data.rejects import Reject

COLUMNS = [
    ColumnSpec(name="age", slot="x.age", dtype=Dtype.FLOAT32, nulls=NullAction.NAN),
    ColumnSpec(name="plan", slot="x.plan", dtype=Dtype.STRING, nulls=NullAction.REJECT),
]
ROWS = 20


def one_chunk(work: Path, *, first: int = 0) -> Chunk:
    """Its last row is rejected; ages count from `first`."""
    builder = ChunkBuilder(COLUMNS, work, chunk_rows=ROWS, chunk=0, row=0, limit=None)
    ages = pa.array(range(first, first + ROWS - 1), pa.float32())
    plans = pa.array(["free", "pro"] * ROWS, pa.string()).slice(0, ROWS - 1)
    clean = pa.RecordBatch.from_arrays([ages, plans], names=["x.age", "x.plan"])
    reject = Reject(
        row=ROWS - 1, file="rows.csv", line=ROWS, column="plan", code=RejectCode.NULL_VALUE, reason="empty", raw=""
    )
    builder.add(ROWS, clean, [reject], [])
    return builder.finish()
