"""What the model makes of the first rows, and how long it takes: as the job would score them."""

import os
import time
from dataclasses import dataclass, replace

from scoring.core.errors import ModelRefusedRows, PrepareNotHere, Retryable, ScoringError
from scoring.data.late_rejects import LateRows
from scoring.data.rejects import Reject
from scoring.model.abort import NEVER
from scoring.model.runner import DEFAULT_MICRO_BATCH, Model
from scoring.pipeline.answers import answer
from scoring.pipeline.context import Context
from scoring.pipeline.features import with_features
from scoring.pipeline.model_files import ModelFile, RegisteredModel
from scoring.pipeline.plan_sample import read_first
from scoring.pipeline.prepare import Prepared

READ_ROWS = 20_000
READ_BYTES = 2 * 2**20
"""What is read to see how fast that is, whichever is less: some tens of milliseconds."""

ENOUGH_SECONDS = 0.1
"""A run of the model that took this long tells enough; a shorter one is made again with four times the rows."""

_FIRST_ROWS = 16


@dataclass(frozen=True, kw_only=True)
class RowCost:
    """Seconds of one core for one row."""

    reading: float
    # The prepare function included.
    model: float

    def seconds(self, rows: int, cores: int) -> float:
        """Reading is one stream; the model runs on all cores, beside it."""
        return rows * max(self.reading, (self.reading + self.model) / cores)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What came of rows that were scored here."""

    # Rows that the prepare function left unfit, or that the model refused or has no usable answer for.
    rejects: tuple[Reject, ...] = ()
    # Rows that the model was not given.
    untried: int = 0
    # Seconds of one core for one row, the prepare function included; None where no row came that far.
    row_seconds: float | None = None
    # What would become of the job where the rows were not scored.
    fault: str = ""


def try_rows(context: Context, prepared: Prepared, rows: LateRows) -> Trial:
    """Score the rows of the sample as the first chunk of the job, or fewer of them where that is slow."""
    count = len(rows.rows)
    if not count:
        return Trial()
    try:
        return _tried(context, prepared, rows)
    except ScoringError as error:
        return Trial(untried=count, fault=in_words(error))


def in_words(error: ScoringError) -> str:
    """What a job would come to that meets the error."""
    # Another host may have the function, another attempt the memory.
    by_chance = isinstance(error, PrepareNotHere | Retryable)
    return f"{'the rows could not be scored here' if by_chance else 'the job would fail'}: {error}"


def read_seconds(prepared: Prepared) -> float:
    """For one row. Raises what the job would meet behind the sample."""
    count = min(READ_ROWS, 1 + READ_BYTES // max(1, prepared.row_bytes))
    begun = time.perf_counter()
    read = read_first(prepared, count)
    seconds = time.perf_counter() - begun
    return 0.0 if read is None else seconds / max(1, len(read.clean.rows))


def usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _tried(context: Context, prepared: Prepared, rows: LateRows) -> Trial:
    begun = time.perf_counter()
    made = with_features(context, prepared.binding, rows, NEVER, raw=prepared.options.raw)
    hook = (time.perf_counter() - begun) / len(rows.rows) if prepared.binding.hook else 0.0
    if not len(made.rows):
        return Trial(rejects=made.rejects, row_seconds=hook)
    trial = _scored(_loaded(context, prepared), prepared, made)
    return replace(trial, row_seconds=hook + (trial.row_seconds or 0.0))


def _loaded(context: Context, prepared: Prepared) -> Model:
    match prepared.model:
        case RegisteredModel(version=version):
            return context.models.of(version)
        case ModelFile(path=path, sha256=sha256, signature=signature):
            return Model.load(path, sha256, signature)


def _scored(model: Model, prepared: Prepared, rows: LateRows) -> Trial:
    total = len(rows.rows)
    count = min(_FIRST_ROWS, total)
    while True:
        some = replace(rows, batch=rows.batch.slice(0, count), rows=rows.rows[:count])
        begun = time.perf_counter()
        try:
            left, _ = answer(model, prepared, some, DEFAULT_MICRO_BATCH, NEVER, first_chunk=True)
        except ModelRefusedRows:
            if count == total:
                raise
            count = total  # too many of a few rows may not be too many of all
            continue
        seconds = time.perf_counter() - begun
        if seconds > ENOUGH_SECONDS or count == total:
            return Trial(rejects=left.rejects, untried=total - count, row_seconds=seconds / count)
        count = min(4 * count, total)
