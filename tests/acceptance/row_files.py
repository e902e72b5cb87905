"""The same rows as a file of each format."""

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


def write(table: pa.Table, path: Path) -> Path:
    """In the format that the suffix names; a null is an empty cell of CSV, and null in JSON. Returns the path."""
    {".csv": _csv, ".jsonl": _jsonl, ".parquet": pq.write_table}[path.suffix](table, path)
    return path


def flat(table: pa.Table, separator: str = "_") -> pa.Table:
    """Lists as a column per element, NAME_0 …: what CSV can say."""
    columns: dict[str, pa.ChunkedArray] = {}
    for name in table.column_names:
        column = table[name].combine_chunks()
        if not pa.types.is_fixed_size_list(column.type):
            columns[name] = column
            continue
        size = column.type.list_size
        columns |= {f"{name}{separator}{i}": column.flatten()[i::size] for i in range(size)}
    return pa.table(columns)


def _csv(table: pa.Table, path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(table.column_names)
        writer.writerows([_cell(value) for value in row.values()] for row in table.to_pylist())


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _jsonl(table: pa.Table, path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in table.to_pylist())
