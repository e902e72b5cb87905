"""Rows of `jobs` and `model_versions` as records, and back."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, Select, bindparam, select

from scoring.core.binding import Binding
from scoring.core.errors import ErrorCode, NotFound
from scoring.core.ids import JobId
from scoring.core.options import JobOptions
from scoring.core.source import InputFile
from scoring.core.states import Gate, JobState, Priority
from scoring.ledger.clock import instant, maybe_instant, microseconds
from scoring.ledger.database import Tx
from scoring.ledger.records import Job, ModelVersion, NewJob, Reference
from scoring.ledger.tables import jobs, model_versions

_VERSION = [column.label(f"model_{column.name}") for column in model_versions.c]


def select_jobs() -> Select[Any]:
    """Jobs with the model version that they pin."""
    return select(jobs, *_VERSION).join(model_versions, model_versions.c.id == jobs.c.model_version_id)


_BY_ID = select_jobs().where(jobs.c.job_id == bindparam("p_job"))


def read_job(tx: Tx, job_id: JobId) -> Job:
    """The job as it stands. Raises NotFound."""
    row = tx.execute(_BY_ID, {"p_job": job_id}).one_or_none()
    if row is None:
        raise no_job(job_id)
    return job_of(row)


def no_job(ref: str) -> NotFound:
    return NotFound(
        f"no job {ref}",
        expected="an id, a unique prefix of 4 characters or more, or `last`",
        remedy="`scoring jobs` lists them",
    )


def job_of(row: Row[Any]) -> Job:
    return Job(
        id=JobId(row.job_id),
        state=JobState(row.state),
        round=row.round,
        runner=row.runner,
        priority=Priority(row.priority),
        model=version_of(row, "model_"),
        inputs=tuple(InputFile.from_json(file) for file in row.inputs),
        options=JobOptions.from_json(row.options),
        binding=Binding.from_json(row.binding),
        output=row.output,
        definition_sha256=row.definition_sha256,
        idempotency_key=row.idempotency_key,
        chunk_rows=row.chunk_rows,
        whole_groups=row.whole_groups,
        max_failures=row.max_failures,
        # What another job has measured for the model serves this one too.
        micro_batch_rows=row.micro_batch_rows or row.model_micro_batch_rows,
        rows_expected=row.rows_expected,
        rows_total=row.rows_total,
        chunks_total=row.chunks_total,
        error_code=ErrorCode(row.error_code) if row.error_code else None,
        error=row.error,
        gate=Gate(row.gate) if row.gate else None,
        schedule=row.schedule,
        slot=maybe_instant(row.slot),
        submitted_at=instant(row.submitted_at),
        started_at=maybe_instant(row.started_at),
        finished_at=maybe_instant(row.finished_at),
        result_table=row.result_table,
        result_oid=row.result_oid,
        purged_at=maybe_instant(row.purged_at),
    )


def version_of(row: Row[Any], prefix: str = "", aliases: tuple[str, ...] = ()) -> ModelVersion:
    values = row._mapping
    return ModelVersion(
        id=values[prefix + "id"],
        name=values[prefix + "name"],
        version=values[prefix + "version"],
        sha256=values[prefix + "sha256"],
        path=values[prefix + "path"],
        signature=values[prefix + "signature"],
        spec=values[prefix + "spec"],
        micro_batch_rows=values[prefix + "micro_batch_rows"],
        created_at=instant(values[prefix + "created_at"]),
        aliases=aliases,
        about=values[prefix + "about"],
        served_path=values[prefix + "served_path"],
        served_sha256=values[prefix + "served_sha256"],
        parity=_reference(values[prefix + "parity"]),
        baseline=_reference(values[prefix + "baseline"]),
    )


def _reference(data: Mapping[str, Any] | None) -> Reference | None:
    return None if data is None else Reference(**{**data, "columns": tuple(data.get("columns", ()))})


def row_of(job: NewJob) -> dict[str, Any]:
    """The columns of a new job, but for those that the database fills."""
    return {
        "job_id": job.id,
        "state": JobState.ACCEPTED.value,
        "round": 1,
        "runner": job.runner,
        "priority": job.options.priority.value,
        "model_version_id": job.model_version_id,
        "schedule": job.schedule,
        "slot": None if job.slot is None else microseconds(job.slot),
        "idempotency_key": job.idempotency_key,
        "definition_sha256": job.definition_sha256,
        "inputs": [file.to_json() for file in job.inputs],
        "options": job.options.to_json(),
        "binding": job.binding.to_json(),
        "output": job.output,
        "output_held": True,
        "chunk_rows": job.chunk_rows,
        "whole_groups": job.whole_groups,
        "max_failures": job.max_failures,
        "rows_expected": job.rows_expected,
        "result_table": None if job.result_table is None else str(job.result_table.name),
    }
