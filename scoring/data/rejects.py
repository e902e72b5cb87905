"""Rows that are not scored: what is said of each, and the file that says it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from scoring.core.chunks import RejectCount
from scoring.core.columns import RAW_CHARACTERS, RejectCode
from scoring.data.arrays import number_array, text_array

REJECT_SCHEMA = pa.schema(
    [
        pa.field("_row", pa.int64()),
        pa.field("file", pa.string()),
        pa.field("line", pa.int64()),
        pa.field("column", pa.string()),
        pa.field("code", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("raw", pa.string()),
    ]
)


@dataclass(frozen=True, kw_only=True)
class Reject:
    """One input row that is not scored."""

    # 0-based position in the job's input.
    row: int
    file: str
    # 1-based physical line where the record starts; None for Parquet.
    line: int | None
    # "" where the whole row is at fault.
    column: str
    code: RejectCode
    reason: str
    raw: str


def reject_batch(rejects: Sequence[Reject]) -> pa.RecordBatch:
    """Rejects as a batch of REJECT_SCHEMA, in the order given; raw text cut."""
    lines = np.fromiter((reject.line or 0 for reject in rejects), np.int64, len(rejects))
    no_line = np.fromiter((reject.line is None for reject in rejects), np.bool_, len(rejects))
    return pa.RecordBatch.from_arrays(
        [
            number_array(np.fromiter((reject.row for reject in rejects), np.int64, len(rejects))),
            text_array([reject.file for reject in rejects]),
            number_array(lines, no_line),
            text_array([reject.column for reject in rejects]),
            text_array([reject.code.value for reject in rejects]),
            text_array([reject.reason for reject in rejects]),
            text_array([reject.raw[:RAW_CHARACTERS] for reject in rejects]),
        ],
        schema=REJECT_SCHEMA,
    )


def count_rejects(batch: pa.RecordBatch | None) -> tuple[RejectCount, ...]:
    """Rows per code and column, as the ledger keeps them."""
    if batch is None:
        return ()
    # Not by `group_by`: that engine takes pandas with it. Rejects are few.
    counts = Counter(zip(batch.column("code").to_pylist(), batch.column("column").to_pylist(), strict=True))
    return tuple(RejectCount(code=code, column=column, rows=rows) for (code, column), rows in sorted(counts.items()))
