"""The first rows of an input, read and judged as the job would, and a few of them given to the model."""

import os
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scoring.core.errors import ModelRefused, ScoringError
from scoring.core.source import Position
from scoring.data.chunk_files import CleanChunk, read_chunk
from scoring.data.late_rejects import LateRows
from scoring.data.split import split
from scoring.model.abort import NEVER
from scoring.model.runner import DEFAULT_MICRO_BATCH, Model
from scoring.pipeline.context import Context
from scoring.pipeline.features import with_features
from scoring.pipeline.prepare import Prepared

SAMPLE_ROWS = 1_000
EXAMPLES = 3

ENOUGH_SECONDS = 0.1
"""A probe that took this long tells enough; a shorter one is made again with four times the rows."""

_FIRST_ROWS = 16


@dataclass(frozen=True, kw_only=True)
class Example:
    """A row of the sample that the job would reject."""

    row: int
    file: str
    line: int | None
    code: str
    column: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What became of the first rows."""

    rows: int
    rejected: int
    # One of each kind first.
    examples: tuple[Example, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Probe:
    """How long the model takes for a row, alone and on one core; or why that is not known."""

    seconds_per_row: float | None
    fault: str = ""


def take_sample(prepared: Prepared) -> tuple[Sample, LateRows | None]:
    """What becomes of the first rows, and those of them that the model would be given.

    Raises InputRefused and its kin as the job would at these rows.
    """
    clean = _read(prepared)
    if clean is None:
        return Sample(rows=0, rejected=0, examples=()), None
    rejects = [] if clean.rejects is None else [_example(record) for record in clean.rejects.to_pylist()]
    kinds = {(example.code, example.column): example for example in reversed(rejects)}
    shown = sorted(kinds.values(), key=lambda example: example.row)
    rest = [example for example in rejects if example not in shown]
    sample = Sample(
        rows=clean.batch.num_rows + len(rejects),
        rejected=len(rejects),
        examples=tuple([*shown, *rest][:EXAMPLES]),
    )
    return sample, LateRows(batch=clean.batch, rows=clean.rows, warnings=clean.warnings)


def probe(context: Context, prepared: Prepared, rows: LateRows) -> Probe:
    """Run the model on the rows of a sample. What it refuses is told, for the job would meet it too."""
    if not rows.batch.num_rows:
        return Probe(seconds_per_row=None)
    try:
        rows = with_features(context.settings, prepared.binding, rows, NEVER, raw=prepared.options.raw)
        return Probe(seconds_per_row=_seconds_per_row(_model(context, prepared), prepared, rows))
    except ScoringError as error:
        return Probe(seconds_per_row=None, fault=str(error))


def usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _read(prepared: Prepared) -> CleanChunk | None:
    columns, options = prepared.binding.columns, prepared.options
    limit = min(SAMPLE_ROWS, options.limit or SAMPLE_ROWS)
    with tempfile.TemporaryDirectory(prefix="scoring-plan-") as folder:
        chunks = split(
            prepared.files,
            columns,
            options.dialect,
            chunk_rows=limit,
            start=Position(),
            work=Path(folder),
            limit=limit,
            raw=options.raw,
        )
        first = next(chunks, None)
        return None if first is None else read_chunk(first[0], Path(folder), columns, raw=options.raw)


def _example(record: dict[str, Any]) -> Example:
    return Example(
        row=record["_row"],
        file=record["file"],
        line=record["line"],
        code=record["code"],
        column=record["column"],
        reason=record["reason"],
    )


def _model(context: Context, prepared: Prepared) -> Model:
    found = prepared.model
    if found.version is not None:
        return context.models.of(found.version)
    if found.file is None:
        raise ModelRefused("no model to probe")
    return Model.load(found.file.path, found.file.sha256, found.signature)


def _seconds_per_row(model: Model, prepared: Prepared, rows: LateRows) -> float | None:
    if not rows.batch.num_rows:
        return None
    count = min(_FIRST_ROWS, len(rows.rows))
    while True:
        begun = time.perf_counter()
        model.predict(rows.batch.slice(0, count), prepared.binding, DEFAULT_MICRO_BATCH, NEVER)
        seconds = time.perf_counter() - begun
        if seconds > ENOUGH_SECONDS or count == len(rows.rows):
            return seconds / count
        count = min(4 * count, len(rows.rows))
