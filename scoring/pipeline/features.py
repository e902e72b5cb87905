"""What the prepare function of a model makes of the rows of a chunk, judged like any other input."""

from dataclasses import replace

import pyarrow as pa

from scoring.core.binding import Binding, Hook
from scoring.core.errors import ModelRefused, PrepareNotHere
from scoring.data.arrays import one_batch
from scoring.data.faults import Fault, Faults
from scoring.data.late_rejects import LateRows
from scoring.data.screen import Screened, screen
from scoring.data.warnings import summed
from scoring.model.abort import Abort
from scoring.model.hook import FRAME_ROWS, PrepareFunction, require_allowed
from scoring.pipeline.context import Context
from scoring.settings import Settings


def require_hook(settings: Settings, hook: Hook | None) -> None:
    """Raise ModelRefused where it is known that the prepare function cannot run.

    Embedded, it is imported; in a deployment the workers have it, and a host that submits need not.
    """
    if hook is None:
        return
    require_allowed(hook, settings.prepare_modules)
    if not settings.deployed:
        PrepareFunction.load(hook, settings.prepare_modules)


def with_features(context: Context, binding: Binding, rows: LateRows, abort: Abort, *, raw: bool = True) -> LateRows:
    """The rows with the slots that the prepare function makes, without those that it left unfit for the model.

    raw: reasons may show values. Raises ModelRefused where the function cannot be loaded, as PrepareNotHere where
    another host may have it; BadOutput, ModelRefusedRows, the reason of `abort`.
    """
    hook = binding.hook
    if hook is None:
        return rows
    prepare = _loaded(context, hook)
    made: list[pa.RecordBatch] = []
    faults: list[Fault] = []
    warnings = [*rows.warnings]
    # Once at least: without a row its columns still have their types.
    for first in range(0, max(1, rows.batch.num_rows), FRAME_ROWS):
        screened = _screened(prepare, hook, rows.batch.slice(first, FRAME_ROWS), raw)
        abort.check()
        made.append(screened.batch)
        faults += [replace(fault, row=first + fault.row) for fault in screened.faults]
        warnings += screened.warnings
    left = rows.without(faults, binding.columns if raw else ())
    features = one_batch(pa.Table.from_batches(made))
    return replace(left, batch=_beside(left.batch, features), warnings=summed(warnings))


def _loaded(context: Context, hook: Hook) -> PrepareFunction:
    try:
        return PrepareFunction.load(hook, context.settings.prepare_modules)
    except PrepareNotHere as error:
        if not context.works_alone:
            raise
        raise ModelRefused(error.message, expected=error.expected, got=error.got, remedy=error.remedy) from error


def _screened(prepare: PrepareFunction, hook: Hook, rows: pa.RecordBatch, raw: bool) -> Screened:
    made = prepare(rows, raw=raw) if rows.num_rows else prepare.nothing()
    return screen(made, hook.columns, faults=Faults(made.num_rows, raw=raw))


def _beside(batch: pa.RecordBatch, more: pa.RecordBatch) -> pa.RecordBatch:
    columns = [*batch.columns, *more.columns]
    return pa.RecordBatch.from_arrays(columns, names=[*batch.schema.names, *more.schema.names])
