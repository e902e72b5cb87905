"""SQL over the ledger's views and the results: what a statement may name, and where its rows come from."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds

from scoring.core.errors import InputMissing, UsageError
from scoring.core.ids import JobId
from scoring.core.states import JobState
from scoring.data.common_types import with_common_types
from scoring.ledger import jobs, models, reports
from scoring.ledger.database import Ledger
from scoring.pipeline.results import has_result, job_rows, open_result
from scoring.query.engine import Catalog, JobRows, QueryLimits, Rows, run_query

TIME = pa.timestamp("us", "UTC")

TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys(reports.TIMES, TIME),
    **dict.fromkeys(reports.BOOLEANS, pa.bool_()),
    **dict.fromkeys(("version", "round", "chunk", "attempt", "attempts", "slots", "first_row"), pa.int64()),
    **dict.fromkeys(("rows", "rows_total", "rows_scored", "rows_rejected"), pa.int64()),
    **dict.fromkeys(("chunks_total", "chunks_done", "chunks_failed", "revision", "slots_waiting"), pa.int64()),
    **dict.fromkeys(("labels", "keys_unknown", "keys_doubled", "keys_replaced", "keys_shared"), pa.int64()),
    **dict.fromkeys(
        ("rows_per_second", "eta_seconds", "seconds", "value", "coverage", "bound", "threshold"), pa.float64()
    ),
}
"""Types of the views' columns; every other one is text. Written down, for a column may hold nothing but NULL."""

EXCEPTIONS = {("processes", "version"): pa.string()}
"""(view, column) → type, where a name means two things: a model's version is a number, a program's is not."""


@contextmanager
def query(ledger: Ledger, sql: str, *, seconds: float | None = None, spill: Path | None = None) -> Iterator[Rows]:
    """Stream the rows of one SELECT. Raises UsageError for a refused statement, NotFound for an unknown job."""
    names = ledger.look(lambda tx: sorted({version.name for version in models.list_models(tx)}))
    catalog = Catalog(
        views={view: partial(view_table, ledger, view) for view in reports.VIEWS},
        models={
            **{f"results_{name}": partial(_model_rows, ledger, name, None) for name in names},
            **{f"latest_{name}": partial(_model_rows, ledger, name, 1) for name in names},
        },
        job=partial(_job_rows, ledger),
    )
    with run_query(sql, catalog, QueryLimits(seconds=seconds, spill=spill)) as rows:
        yield rows


def view_table(ledger: Ledger, view: str) -> pa.Table:
    """A view's rows now, with types that do not depend on them."""
    columns, rows = ledger.look(lambda tx: reports.view(tx, view))
    types = [EXCEPTIONS.get((view, column), TYPES.get(column, pa.string())) for column in columns]
    schema = pa.schema(list(zip(columns, types, strict=True)))
    cells = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    return pa.table([pa.array(cell, field.type) for cell, field in zip(cells, schema, strict=True)], schema=schema)


def _job_rows(ledger: Ledger, reference: str) -> ds.Dataset:
    job = ledger.look(lambda tx: jobs.find_job(tx, reference))
    rows = job_rows(job)
    if rows is None:
        raise UsageError(
            f"job {job.id} has no result to read",
            expected="a job with finished parts",
            got=str(job.state),
            remedy=f"scoring status {job.id}",
        )
    return with_common_types(rows)


def _model_rows(ledger: Ledger, model: str, most: int | None) -> Sequence[JobRows]:
    """Results of the model's succeeded jobs, the newest first; jobs whose result is gone are left out.

    Raises InputMissing where a result lacks some of its parts: sums over the rest would be wrong in silence.
    """
    found = ledger.look(lambda tx: reports.jobs(tx, state=JobState.SUCCEEDED, model=model))
    rows: list[JobRows] = []
    for job_id in (JobId(facts["job_id"]) for facts in found):
        job = ledger.look(partial(jobs.job, job_id=job_id))
        try:
            there = has_result(job)
        except InputMissing:
            continue
        if there:
            rows.append(JobRows(job_id=job_id, rows=with_common_types(open_result(job))))
        if most is not None and len(rows) == most:
            break
    return rows
