"""Rows of the promised views, as plain values for the command line and for `scoring sql`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, text

from scoring.core.errors import ErrorCode, NotFound
from scoring.core.ids import JobId
from scoring.core.states import JobState
from scoring.ledger.clock import microseconds
from scoring.ledger.database import Tx
from scoring.ledger.tables import chunk_metrics, job_metrics, parts, steps
from scoring.ledger.tables import jobs as job_rows

VIEWS = (
    "job_progress",
    "chunk_progress",
    "job_failures",
    "batch_accuracy",
    "chunk_accuracy",
    "batch_drift",
    "job_rejects",
    "job_warnings",
    "parity_checks",
    "processes",
    "accuracy_history",
    "job_labels",
    "schedules",
    "schedule_slots",
    "schedule_history",
)

TIMES = frozenset(
    {
        *("slot", "submitted_at", "started_at", "finished_at", "failed_at", "last_seen_at"),
        *("expected_by", "purged_at", "measured_at", "added_at", "next_slot", "last_slot", "start_by", "input_by"),
        *("created_at", "changed_at", "decided_at", "checked_at"),
    }
)
"""Columns of the views that hold times; aware datetimes in UTC here, whatever the database."""

BOOLEANS = frozenset({"alert", "late", "paused", "managed", "passed"})

Record = dict[str, Any]


def job_progress(tx: Tx, job_id: JobId) -> Record:
    """The job's row of `job_progress`. Raises NotFound."""
    found = _rows(tx, "SELECT * FROM job_progress WHERE job_id = :job_id", job_id=job_id)
    if not found:
        raise NotFound(f"no job {job_id}", expected="a job of this ledger", remedy="`scoring jobs` lists them")
    return found[0]


def job_facts(tx: Tx, job_id: JobId) -> Record:
    """The job's row of `job_progress`, with `metrics` and `tags` {name: value}, `warnings` {code: values}.

    Raises NotFound.
    """
    values = select(job_metrics.c.metric, job_metrics.c.value)
    numbers = values.where(job_metrics.c.job_id == job_id, job_metrics.c.detail.is_(None)).order_by(
        job_metrics.c.metric
    )
    facts = job_progress(tx, job_id)
    options = tx.execute(select(job_rows.c.options).where(job_rows.c.job_id == job_id)).scalar_one()
    return {
        **facts,
        "metrics": {row.metric: row.value for row in tx.execute(numbers)},
        "tags": dict(options["tags"]),
        "warnings": _decided(warning_totals(tx, job_id)),
    }


def _decided(totals: list[Record]) -> dict[str, int]:
    """Values about which something was decided before or after the model, by code: of a row, one for each column."""
    codes: dict[str, int] = {}
    for total in totals:
        codes[total["code"]] = codes.get(total["code"], 0) + total["rows"]
    return codes


def jobs(
    tx: Tx,
    *,
    state: JobState | None = None,
    model: str | None = None,
    since: datetime | None = None,
    limit: int | None = None,
) -> list[Record]:
    """Rows of `job_progress` that fit all that is given, the newest submission first."""
    conditions = ["TRUE"]
    values: Record = {} if limit is None else {"limit": limit}
    if state is not None:
        conditions.append("p.state = :state")
        values["state"] = state.value
    if model is not None:
        conditions.append("p.model = :model")
        values["model"] = model
    if since is not None:
        conditions.append("j.submitted_at >= :since")
        values["since"] = microseconds(since)
    most = "" if limit is None else " LIMIT :limit"
    return _rows(
        tx,
        "SELECT p.* FROM jobs j JOIN job_progress p ON p.job_id = j.job_id"
        f" WHERE {' AND '.join(conditions)} ORDER BY j.number DESC{most}",
        **values,
    )


def view(tx: Tx, name: str) -> tuple[list[str], list[Sequence[Any]]]:
    """A whole view: its column names, and its rows. Raises NotFound for a name that is no view of ours."""
    if name not in VIEWS:
        raise NotFound(f"no view {name}", expected=", ".join(VIEWS), got=name)
    answer = tx.execute(text(f"SELECT * FROM {name}"))
    columns = list(answer.keys())
    return columns, [[_plain(column, value) for column, value in zip(columns, row, strict=True)] for row in answer]


def schedules(tx: Tx) -> list[Record]:
    """Rows of `schedules`, by name."""
    return _rows(tx, "SELECT * FROM schedules ORDER BY schedule")


def schedule_slots(tx: Tx, schedule: str, *, limit: int) -> list[Record]:
    """Rows of `schedule_slots` of one schedule, the newest slots first."""
    query = "SELECT * FROM schedule_slots WHERE schedule = :schedule ORDER BY slot DESC LIMIT :limit"
    return _rows(tx, query, schedule=schedule, limit=limit)


def view_columns(tx: Tx, name: str) -> list[str]:
    """The columns of one of VIEWS; none of its rows is made."""
    return list(tx.execute(text(f"SELECT * FROM {name} WHERE 1 = 0")).keys())


def failed_attempts(tx: Tx, job_id: JobId) -> list[Record]:
    """Rows of `job_failures` in the order in which they happened."""
    return _rows(tx, "SELECT * FROM job_failures WHERE job_id = :job_id ORDER BY failed_at, chunk", job_id=job_id)


def blind_workers(tx: Tx) -> list[tuple[str, str, ErrorCode]]:
    """(job, worker, code) of the steps that were handed back because the worker lacks what they need."""
    lacking = (ErrorCode.INPUT_NOT_VISIBLE.value, ErrorCode.PREPARE_NOT_HERE.value)
    named = (steps.c.job_id, steps.c.worker, steps.c.error_code)
    waiting = select(*named).where(steps.c.finished_at.is_(None), steps.c.error_code.in_(lacking))
    return [
        (row.job_id, row.worker, ErrorCode(row.error_code)) for row in tx.execute(waiting.distinct().order_by(*named))
    ]


def reject_totals(tx: Tx, job_id: JobId) -> list[Record]:
    """Rejected rows of a job by code and column, the most frequent first."""
    return _rows(
        tx,
        "SELECT code, column_name, CAST(sum(rows) AS BIGINT) AS rows FROM job_rejects WHERE job_id = :job_id"
        " GROUP BY code, column_name ORDER BY sum(rows) DESC, code, column_name",
        job_id=job_id,
    )


def warning_totals(tx: Tx, job_id: JobId) -> list[Record]:
    """Rows that went to a job's model after a decision, by code and column, the most frequent first."""
    return _rows(
        tx,
        "SELECT code, column_name, CAST(sum(rows) AS BIGINT) AS rows FROM job_warnings WHERE job_id = :job_id"
        " GROUP BY code, column_name ORDER BY sum(rows) DESC, code, column_name",
        job_id=job_id,
    )


def job_figures(tx: Tx, job_id: JobId) -> list[Record]:
    """Figures of a job: metric, value, rows, coverage, reason, bound, detail; the matrix too, which no view has."""
    columns = [column for column in job_metrics.c if column.name != "job_id"]
    query = select(*columns).where(job_metrics.c.job_id == job_id).order_by(job_metrics.c.metric)
    return [dict(row._mapping) for row in tx.execute(query)]


def chunk_figures(tx: Tx, job_id: JobId) -> list[Record]:
    """Figures of each chunk: chunk, metric, value, rows, coverage, reason."""
    scored = parts.c.rows_scored
    query = (
        select(chunk_metrics, scored)
        .join(parts, (parts.c.job_id == chunk_metrics.c.job_id) & (parts.c.chunk == chunk_metrics.c.chunk))
        .where(chunk_metrics.c.job_id == job_id)
        .order_by(chunk_metrics.c.chunk, chunk_metrics.c.metric)
    )
    return [
        {
            "chunk": row.chunk,
            "metric": row.metric,
            "value": row.value,
            "rows": row.rows,
            "coverage": row.rows / row.rows_scored if row.rows_scored else None,
            "reason": row.reason,
        }
        for row in tx.execute(query)
    ]


def model_figures(tx: Tx, model: str) -> list[Record]:
    """Rows of `batch_accuracy` of all versions of a model."""
    return _rows(tx, "SELECT * FROM batch_accuracy WHERE model = :model", model=model)


def history(tx: Tx, job_id: JobId, revision: int | None = None) -> list[Record]:
    """Rows of `accuracy_history` of a job, by revision and metric; of one revision, or of all."""
    one = "" if revision is None else " AND revision = :revision"
    values = {} if revision is None else {"revision": revision}
    query = f"SELECT * FROM accuracy_history WHERE job_id = :job_id{one} ORDER BY revision, metric"
    return _rows(tx, query, job_id=job_id, **values)


def rows_per_second(tx: Tx, model_version_id: int) -> float | None:
    """Speed of the last job that succeeded with this model version; None where there is none."""
    took = job_rows.c.finished_at - job_rows.c.started_at
    query = (
        select((job_rows.c.rows_scored + job_rows.c.rows_rejected).label("rows"), took.label("took"))
        .where(job_rows.c.model_version_id == model_version_id, job_rows.c.state == JobState.SUCCEEDED.value, took > 0)
        .order_by(job_rows.c.number.desc())
        .limit(1)
    )
    row = tx.execute(query).one_or_none()
    return None if row is None else float(row.rows * 1e6 / row.took)


def _rows(tx: Tx, query: str, **values: Any) -> list[Record]:
    answer = tx.execute(text(query), values)
    return [{column: _plain(column, value) for column, value in row._mapping.items()} for row in answer]


def _plain(column: str, value: Any) -> Any:
    if value is None:
        return None
    if column in TIMES:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment.astimezone(UTC)
    return bool(value) if column in BOOLEANS else value
