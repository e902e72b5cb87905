"""A dry run: what the job would read, feed, write and cost, without a row in the ledger."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from scoring.core.chunks import CHUNK_BYTES
from scoring.core.errors import ScoringError
from scoring.data.outputs import check_output
from scoring.ledger import reports
from scoring.pipeline.context import Context
from scoring.pipeline.model_files import RegisteredModel
from scoring.pipeline.plan_binding import BoundInput, bound_inputs, ignored_columns
from scoring.pipeline.plan_probe import RowCost, Trial, in_words, read_seconds, try_rows, usable_cores
from scoring.pipeline.plan_sample import Sample, first_rows, sample_of
from scoring.pipeline.plan_warnings import warnings_of
from scoring.pipeline.planned_table import planned_table
from scoring.pipeline.prepare import JobRequest, Prepared, prepare

CHUNKS_ON_DISK = 8
"""Chunk files that lie on disk at once while a job runs at an even pace."""


class Forecast(StrEnum):
    """Where the forecast of the time comes from."""

    PAST = "past"  # the last job of the model
    PROBE = "probe"  # some rows read and scored here, on all usable cores; writing is not counted
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What `plan` shows."""

    files: tuple[str, ...]
    rows: int
    rows_exact: bool
    chunks: int
    binding: tuple[BoundInput, ...]
    # "module:function" that makes the features; None: the columns feed the model as they are.
    prepare: str | None
    # Columns that neither feed the model nor are carried.
    ignored: tuple[str, ...]
    sample: Sample
    warnings: tuple[str, ...]
    disk_bytes: int
    # None where the forecast is NONE.
    seconds: float | None
    forecast: Forecast

    def to_json(self) -> dict[str, Any]:
        return {
            "files": list(self.files),
            "rows": self.rows,
            "rows_exact": self.rows_exact,
            "chunks": self.chunks,
            "binding": [bound.to_json() for bound in self.binding],
            "prepare": self.prepare,
            "ignored": list(self.ignored),
            "sample": self.sample.to_json(),
            "warnings": list(self.warnings),
            "disk_bytes": self.disk_bytes,
            "seconds": self.seconds,
            "forecast": self.forecast,
        }


def plan(context: Context, request: JobRequest) -> Plan:
    """Everything that `submit` would decide, and what becomes of the first rows.

    Raises what `submit` would raise, but for a model that is not proven, and what the job would raise at these rows.
    """
    prepared = prepare(context, request)
    if request.options.output is not None:
        check_output(
            Path(request.options.output).absolute(),
            job_id=None,
            overwrite=request.options.overwrite,
            roots=context.settings.output_roots,
        )
    planned_table(context, prepared)
    rows = _rows(prepared, request.options.limit)
    first = first_rows(prepared)
    trial = Trial() if first is None else try_rows(context, prepared, first.late)
    sample = sample_of(prepared, first, trial.rejects, trial.untried)
    forecast, seconds, fault = _forecast(context, prepared, trial, rows)
    hook = prepared.binding.hook
    return Plan(
        files=tuple(file.path for file in prepared.files),
        rows=rows,
        rows_exact=prepared.source.rows_exact,
        chunks=max(1, -(-rows // prepared.chunk_rows)),
        binding=bound_inputs(prepared.binding, prepared.source),
        prepare=None if hook is None else hook.function,
        ignored=ignored_columns(prepared.binding, prepared.source),
        sample=sample,
        warnings=(*warnings_of(context, prepared, sample), *((fault,) if fault else ())),
        disk_bytes=disk_bytes(prepared),
        seconds=seconds,
        forecast=forecast,
    )


def disk_bytes(prepared: Prepared) -> int:
    """Bytes that the result and the chunk files under way take at most, by estimate."""
    rows = prepared.source.rows
    return rows * prepared.result_row_bytes + min(rows * prepared.row_bytes, CHUNKS_ON_DISK * CHUNK_BYTES)


def _rows(prepared: Prepared, limit: int | None) -> int:
    return prepared.source.rows if limit is None else min(limit, prepared.source.rows)


def _forecast(context: Context, prepared: Prepared, trial: Trial, rows: int) -> tuple[Forecast, float | None, str]:
    """Its origin, seconds, and what would end the job at the rows that were looked at."""
    speed = None
    if isinstance(prepared.model, RegisteredModel):
        version = prepared.model.version
        speed = context.ledger.look(lambda tx: reports.rows_per_second(tx, version.id))
    if speed:
        return Forecast.PAST, round(rows / speed, 1), trial.fault
    if trial.row_seconds is None:
        return Forecast.NONE, None, trial.fault
    try:
        cost = RowCost(reading=read_seconds(prepared), model=trial.row_seconds)
    except ScoringError as error:
        return Forecast.NONE, None, in_words(error)
    return Forecast.PROBE, round(cost.seconds(rows, usable_cores()), 1), ""
