"""A dry run: what the job would read, feed, write and cost, without a row in the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scoring.core.binding import InputBinding
from scoring.core.chunks import CHUNK_BYTES
from scoring.core.columns import ColumnSpec, Dtype, NullAction
from scoring.core.source import ColumnKind, SourceSchema
from scoring.data.outputs import check_output
from scoring.ledger import reports
from scoring.pipeline.context import Context
from scoring.pipeline.planned_table import planned_table
from scoring.pipeline.prepare import JobRequest, Prepared, output_roots, prepare

CHUNKS_ON_DISK = 8
"""Chunk files that lie on disk at once while a job runs at an even pace."""


@dataclass(frozen=True, kw_only=True)
class BoundInput:
    """One line of the binding table."""

    input: str
    columns: tuple[str, ...]
    # Type and shape of the tensor, such as "float32 [N,F]".
    dtype: str
    # What is read → what is fed, such as "text → float32"; "" where they are the same.
    cast: str
    # What becomes of a null: "nan", "reject", "fill=0"; and how many nulls the first rows hold.
    nulls: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    files: tuple[str, ...]
    rows: int
    rows_exact: bool
    chunks: int
    binding: tuple[BoundInput, ...]
    warnings: tuple[str, ...]
    disk_bytes: int
    # From the speed of past jobs of the model; None before the first.
    seconds: float | None

    def to_json(self) -> dict[str, Any]:
        return {
            "files": list(self.files),
            "rows": self.rows,
            "rows_exact": self.rows_exact,
            "chunks": self.chunks,
            "binding": [
                {"input": b.input, "columns": list(b.columns), "dtype": b.dtype, "cast": b.cast, "nulls": b.nulls}
                for b in self.binding
            ],
            "warnings": list(self.warnings),
            "disk_bytes": self.disk_bytes,
            "seconds": self.seconds,
        }


def plan(context: Context, request: JobRequest) -> Plan:
    """Everything that `submit` would decide. Raises what `submit` would raise."""
    prepared = prepare(context, request)
    if request.options.output is not None:
        check_output(
            Path(request.options.output).absolute(),
            job_id=None,
            overwrite=request.options.overwrite,
            roots=output_roots(context),
        )
    planned_table(context, prepared)
    rows = _rows(prepared, request.options.limit)
    return Plan(
        files=tuple(file.path for file in prepared.files),
        rows=rows,
        rows_exact=prepared.source.rows_exact,
        chunks=max(1, -(-rows // prepared.chunk_rows)),
        binding=tuple(_bound(prepared, bound) for bound in prepared.binding.inputs),
        warnings=_warnings(prepared),
        disk_bytes=disk_bytes(prepared),
        seconds=_seconds(context, prepared, rows),
    )


def disk_bytes(prepared: Prepared) -> int:
    """Bytes that the result and the chunk files under way take at most, by estimate."""
    rows = prepared.source.rows
    return rows * prepared.result_row_bytes + min(rows * prepared.row_bytes, CHUNKS_ON_DISK * CHUNK_BYTES)


def _rows(prepared: Prepared, limit: int | None) -> int:
    return prepared.source.rows if limit is None else min(limit, prepared.source.rows)


def _bound(prepared: Prepared, bound: InputBinding) -> BoundInput:
    specs = {spec.slot: spec for spec in prepared.binding.columns}
    columns = [specs[slot] for slot in bound.slots]
    return BoundInput(
        input=bound.input,
        columns=tuple(column.name for column in columns),
        dtype=f"{bound.dtype} {bound.shape}",
        cast=", ".join(sorted({_cast(prepared.source, column) for column in columns} - {""})),
        nulls=", ".join(sorted({_nulls(column) for column in columns})) + _sampled(prepared.source, columns),
    )


def _cast(source: SourceSchema, column: ColumnSpec) -> str:
    found = source.column(column.name)
    if found is None or found.kind is ColumnKind.TEXT or found.type == column.dtype:
        return ""  # CSV text is parsed as what the tensor wants: nothing is cast
    return f"{found.type} → {column.dtype}"


def _nulls(column: ColumnSpec) -> str:
    return f"fill={column.fill}" if column.nulls is NullAction.FILL else str(column.nulls)


def _sampled(source: SourceSchema, columns: Sequence[ColumnSpec]) -> str:
    """How many nulls the first rows hold, as words; "" where there are none."""
    cells = [(cell, column.dtype) for column in columns for cell in source.sample.get(column.name, ())]
    nulls = sum(cell is None or (cell == "" and dtype is not Dtype.STRING) for cell, dtype in cells)
    return f" ({nulls:,} of {len(cells):,} cells sampled)" if nulls else ""


def _warnings(prepared: Prepared) -> tuple[str, ...]:
    paths = [file.path for file in prepared.files]
    twice = sorted({path for path in paths if paths.count(path) > 1})
    return (*prepared.binding.notes, *(f"{path} is given more than once; its rows count each time" for path in twice))


def _seconds(context: Context, prepared: Prepared, rows: int) -> float | None:
    version = prepared.model.version
    if version is None:
        return None
    speed = context.ledger.run(lambda tx: reports.rows_per_second(tx, version.id))
    return round(rows / speed, 1) if speed else None
