"""Rows of `steps` as records, and how one step is addressed."""

from typing import Any

from sqlalchemy import Row, bindparam

from scoring.core.errors import ErrorCode
from scoring.core.ids import JobId, StepId
from scoring.core.states import StepKind, StepState
from scoring.ledger.clock import maybe_instant
from scoring.ledger.records import Step
from scoring.ledger.tables import steps

STEP = (
    (steps.c.job_id == bindparam("p_job"))
    & (steps.c.kind == bindparam("p_kind"))
    & (steps.c.chunk == bindparam("p_chunk"))
)
"""One step, by the values of `step_values`."""


def step_values(step: StepId) -> dict[str, object]:
    return {"p_job": step.job_id, "p_kind": step.kind.value, "p_chunk": step.chunk}


def step_id(row: Row[Any]) -> StepId:
    return StepId(JobId(row.job_id), StepKind(row.kind), row.chunk)


def step_of(row: Row[Any]) -> Step:
    return Step(
        id=step_id(row),
        state=StepState(row.state),
        attempt=row.attempt,
        failures=row.failures,
        worker=row.worker,
        lease_until=maybe_instant(row.lease_until),
        due_at=maybe_instant(row.due_at),
        rung_at=maybe_instant(row.rung_at),
        error_code=ErrorCode(row.error_code) if row.error_code else None,
        error=row.error,
    )
