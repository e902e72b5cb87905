"""Input files of a few rows."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq


def written(path: Path, **columns: Any) -> Path:
    """The rows in the format that the name asks for: CSV, Parquet, else JSON lines. Returns the path."""
    table = pa.table(columns)
    match path.suffix:
        case ".csv":
            pc.write_csv(table, path)
        case ".parquet":
            pq.write_table(table, path)
        case _:
            path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    return path
