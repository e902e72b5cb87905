"""A few rejected rows of each kind, read without reading all of them."""

from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.dataset as ds

from scoring.core.columns import RejectCode
from scoring.data.parts import REJECTS
from scoring.data.rejects import REJECT_SCHEMA


def reject_examples(output: Path, code: RejectCode, column: str, most: int) -> list[dict[str, Any]]:
    """Up to `most` rejects of one code and column, in input order: row, file, line, reason, raw.

    column: "" for rows that are at fault as a whole. Those of chunks that are still at work are not there yet.
    """
    files = sorted(str(file) for file in (output / REJECTS).glob("part-*.parquet"))
    if not files:
        return []
    rows = ds.dataset(files, schema=REJECT_SCHEMA, format="parquet")
    wanted = (pc.field("code") == code.value) & (pc.field("column") == column)
    found = rows.head(most, filter=wanted, columns=["_row", "file", "line", "reason", "raw"])
    return [{"row": reject.pop("_row"), **reject} for reject in found.to_pylist()]
