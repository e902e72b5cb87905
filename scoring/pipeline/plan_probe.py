"""How long a job would take, from a short probe: some rows read, and a few of them given to the model."""

import os
import time
from dataclasses import dataclass

from scoring.data.late_rejects import LateRows
from scoring.model.abort import NEVER
from scoring.model.runner import DEFAULT_MICRO_BATCH, Model
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


def probe(context: Context, prepared: Prepared, rows: LateRows) -> RowCost | None:
    """rows: of the sample. None where there is none that the model would be given.

    Raises what the job would meet: the model's refusal, a fault of rows behind the sample.
    """
    if not len(rows.rows):
        return None
    return RowCost(reading=_reading(prepared), model=_model(context, prepared, rows))


def usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _reading(prepared: Prepared) -> float:
    count = min(READ_ROWS, 1 + READ_BYTES // max(1, prepared.row_bytes))
    begun = time.perf_counter()
    read = read_first(prepared, count)
    seconds = time.perf_counter() - begun
    return 0.0 if read is None else seconds / max(1, len(read.rows))


def _model(context: Context, prepared: Prepared, rows: LateRows) -> float:
    begun = time.perf_counter()
    made = with_features(context, prepared.binding, rows, NEVER, raw=prepared.options.raw)
    hook = (time.perf_counter() - begun) / len(rows.rows) if prepared.binding.hook else 0.0
    return hook + (_run(_loaded(context, prepared), prepared, made) if len(made.rows) else 0.0)


def _loaded(context: Context, prepared: Prepared) -> Model:
    match prepared.model:
        case RegisteredModel(version=version):
            return context.models.of(version)
        case ModelFile(path=path, sha256=sha256, signature=signature):
            return Model.load(path, sha256, signature)


def _run(model: Model, prepared: Prepared, rows: LateRows) -> float:
    count = min(_FIRST_ROWS, len(rows.rows))
    while True:
        begun = time.perf_counter()
        model.predict(rows.batch.slice(0, count), prepared.binding, DEFAULT_MICRO_BATCH, NEVER)
        seconds = time.perf_counter() - begun
        if seconds > ENOUGH_SECONDS or count == len(rows.rows):
            return seconds / count
        count = min(4 * count, len(rows.rows))
