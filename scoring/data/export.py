"""One file out of many rows: CSV for spreadsheets, JSON lines, or Parquet. The file is whole or not there."""

import json
import math
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from scoring.data.export_target import ExportFormat, ExportTarget

Batches = Iterable[pa.RecordBatch]

FORMULA = r"^[=+\-@\t\r\x00]"
"""A spreadsheet may take a text cell that starts with one of these for a formula (CWE-1236)."""


def export(target: ExportTarget, schema: pa.Schema, batches: Batches) -> int:
    """Write the rows to the file, in its format; returns their number. An older file is replaced.

    Raises StorageFault, and what `batches` raises.
    """
    with target.opened() as file:
        return WRITERS[target.format](file, schema, batches)


def write_csv(file: IO[bytes], schema: pa.Schema, batches: Batches) -> int:
    """CSV with a header: floats in the shortest form that reads back, text that looks like a formula behind a `'`."""
    plain = pa.schema([(_safe_name(field.name), _csv_type(field.type)) for field in schema])
    rows = 0
    with pa_csv.CSVWriter(file, plain) as writer:
        for batch in batches:
            columns = [_csv_column(column) for column in batch.columns]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=plain))
            rows += batch.num_rows
    return rows


def write_json_lines(file: IO[bytes], _schema: pa.Schema, batches: Batches) -> int:
    """One JSON object per row; NaN and infinity become null."""
    rows = 0
    for batch in batches:
        for row in batch.to_pylist():
            file.write(json.dumps(json_value(row), ensure_ascii=False).encode() + b"\n")
        rows += batch.num_rows
    return rows


def write_parquet(file: IO[bytes], schema: pa.Schema, batches: Batches) -> int:
    """Parquet, zstd: an export is read more often than it is written."""
    rows = 0
    # Without the notes of the first part: the file is none of the job's.
    with pq.ParquetWriter(file, schema.remove_metadata(), compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


WRITERS: dict[ExportFormat, Callable[[IO[bytes], pa.Schema, Batches], int]] = {
    ExportFormat.CSV: write_csv,
    ExportFormat.JSON_LINES: write_json_lines,
    ExportFormat.PARQUET: write_parquet,
}


def json_value(value: Any) -> Any:
    """The value as JSON knows it: times in ISO form, what is no number null."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case datetime() if value.tzinfo is not None:
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case bytes():
            return value.hex()
        case dict():
            return {str(name): json_value(item) for name, item in value.items()}
        case list():
            return [json_value(item) for item in value]
        case None | bool() | int() | str():
            return value
    return str(value)


def _csv_type(kind: pa.DataType) -> pa.DataType:
    simple = pa.types.is_primitive(kind) and not pa.types.is_temporal(kind)
    return kind if simple or pa.types.is_decimal(kind) or pa.types.is_null(kind) else pa.string()


def _csv_column(column: pa.Array) -> pa.Array:
    kind = column.type
    if _csv_type(kind) == kind and kind != pa.string():
        return column
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        # Strings that we make ourselves: a list starts with a bracket.
        return pa.array([None if item is None else _nested(item) for item in column.to_pylist()], pa.string())
    if pa.types.is_timestamp(kind):
        zone = "Z" if kind.tz else ""
        utc = column.cast(pa.timestamp(kind.unit, "UTC")) if kind.tz else column
        return pc.strftime(utc, format="%Y-%m-%dT%H:%M:%S" + zone)
    return _safe(column.cast(pa.string()))


def _nested(item: Any) -> str:
    return item.hex() if isinstance(item, bytes) else json.dumps(json_value(item), ensure_ascii=False)


def _safe(text: pa.Array) -> pa.Array:
    dangerous = pc.match_substring_regex(text, FORMULA)
    return pc.if_else(dangerous, pc.binary_join_element_wise("'", text, ""), text)


def _safe_name(name: str) -> str:
    return _safe(pa.array([name], pa.string()))[0].as_py()  # type: ignore[no-any-return]  # a string scalar
