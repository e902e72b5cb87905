"""What the model answers to the rows of a chunk, and the rows that it has no answer for."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from scoring.core.binding import Binding
from scoring.core.chunks import WarningCount
from scoring.core.columns import ColumnSpec, NanOutput, RejectCode, WarningCode
from scoring.core.errors import BadOutput
from scoring.core.options import JobOptions
from scoring.data.faults import Fault
from scoring.data.late_rejects import LateRows
from scoring.model.abort import Abort
from scoring.model.finite import Mask, not_finite
from scoring.model.refusals import Terms
from scoring.model.runner import Model

Outputs = dict[str, NDArray[Any]]


class Definition(Protocol):
    """What a job, or one that is only planned, asks for."""

    @property
    def binding(self) -> Binding: ...

    @property
    def options(self) -> JobOptions: ...


def answer(
    model: Model, job: Definition, rows: LateRows, micro_batch_rows: int, abort: Abort, *, first_chunk: bool
) -> tuple[LateRows, Outputs]:
    """The rows that the model has scored, and its outputs, row by row. Raises as `Model.sift` does."""
    terms = Terms(rows=rows.rows, first_chunk=first_chunk, raw=job.options.raw)
    sifted = model.sift(rows.batch, job.binding, micro_batch_rows, abort, terms)
    refused = [
        Fault(row=bad.row, column="", code=RejectCode.MODEL_REFUSED, reason=bad.reason) for bad in sifted.refused
    ]
    return _judged(job, rows.without(refused, _shown(job)), sifted.outputs)


def _judged(job: Definition, rows: LateRows, outputs: Outputs) -> tuple[LateRows, Outputs]:
    """``--nan-output``: what becomes of rows with an answer that is no finite number."""
    odd = not_finite(outputs, job.binding.outputs)
    if not odd:
        return rows, outputs
    if job.options.nan_output is NanOutput.FAIL:
        raise _bad(rows, odd)
    if job.options.nan_output is NanOutput.KEEP:
        return replace(rows, warnings=(*rows.warnings, *_counts(odd))), outputs
    faults = _faults(odd)
    kept = np.ones(rows.batch.num_rows, np.bool_)
    kept[[fault.row for fault in faults]] = False
    return rows.without(faults, _shown(job)), {name: values[kept] for name, values in outputs.items()}


def _shown(job: Definition) -> tuple[ColumnSpec, ...]:
    return job.binding.columns if job.options.raw else ()


def _faults(odd: Mapping[str, Mask]) -> list[Fault]:
    """One for each row: of the first output at fault."""
    first: dict[int, str] = {}
    for column, rows in odd.items():
        for row in np.flatnonzero(rows).tolist():
            first.setdefault(row, column)
    reason = "the model answered NaN or infinity"
    return [Fault(row=row, column=first[row], code=RejectCode.NAN_OUTPUT, reason=reason) for row in sorted(first)]


def _counts(odd: Mapping[str, Mask]) -> list[WarningCount]:
    code = WarningCode.NAN_OUTPUT.value
    return [WarningCount(code=code, column=column, rows=int(np.count_nonzero(rows))) for column, rows in odd.items()]


def _bad(rows: LateRows, odd: Mapping[str, Mask]) -> BadOutput:
    column, wrong = min(odd.items(), key=lambda item: int(np.argmax(item[1])))
    return BadOutput(
        f"the model answered NaN or infinity in {column!r}",
        expected="finite numbers (--nan-output fail)",
        got=f"{np.count_nonzero(wrong)} rows with others, row {rows.rows[np.argmax(wrong)]} of the input first",
        remedy="look at this row; --nan-output keep or reject lets the others through",
    )
