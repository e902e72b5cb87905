"""A few rejected rows of each kind, read without reading all of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scoring.core.columns import RejectCode
from scoring.data.parts import REJECTS, STAGING, read_part
from scoring.data.rejects import REJECT_SCHEMA


def reject_files(output: Path, job_id: str) -> list[str]:
    """Files with rejects of the job, in chunk order: public ones, else those that a failed --overwrite left staged."""
    public = sorted((output / REJECTS).glob("part-*.parquet"))
    staged = sorted((output / STAGING / job_id).glob("rejects-*.parquet.tmp"))
    own = [file for file in public if (pq.read_schema(file).metadata or {}).get(b"scoring.job_id") == job_id.encode()]
    return [str(file) for file in own or staged]


def described(rejects: pa.RecordBatch) -> str:
    """The first of the rows, in words; rejects: REJECT_SCHEMA, at least one row."""
    reject = rejects.slice(0, 1).to_pylist()[0]
    line = "" if reject["line"] is None else f":{reject['line']}"
    where = f" of {reject['file']}{line}" if reject["file"] else ""
    column = f", column {reject['column']!r}" if reject["column"] else ""
    return f"row {reject['_row']}{where}{column}: {reject['code']}, {reject['reason']}"


def first_reject(file: Path) -> str:
    """The first rejected row of a part, in words. Raises ChunkCorrupt."""
    return described(read_part(file, REJECT_SCHEMA.names))


def reject_examples(files: Sequence[str], code: RejectCode, column: str, most: int) -> list[dict[str, Any]]:
    """Up to `most` rejects of one code and column, in input order: row, file, line, reason, raw.

    column: "" for rows that are at fault as a whole. Those of chunks that are still at work are not there yet.
    """
    if not files:
        return []
    import pyarrow.dataset as ds  # takes pandas with it, 0.2 s: a job needs only the words above

    rows = ds.dataset(list(files), schema=REJECT_SCHEMA, format="parquet")
    wanted = (pc.field("code") == code.value) & (pc.field("column") == column)
    found = rows.head(most, filter=wanted, columns=["_row", "file", "line", "reason", "raw"])
    return [{"row": reject.pop("_row"), **reject} for reject in found.to_pylist()]
