"""SQL over the ledger's views and the results: what a statement may name, and where its rows come from."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from scoring.core.errors import InputMissing, ScoringError, UsageError
from scoring.data.row_files import RowFiles, write_template
from scoring.ledger import jobs, reports
from scoring.ledger.batches import batches, model_names
from scoring.ledger.database import Ledger
from scoring.ledger.records import Job
from scoring.pipeline.results import files_of_rejects, files_of_result, has_result
from scoring.query.engine import NO_LIMITS, Catalog, QueryLimits, Rows, run_query
from scoring.query.parameters import NO_PARAMETERS
from scoring.query.relations import FACTS, FileRows, JobRows

TIME = pa.timestamp("us", "UTC")

TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys(reports.TIMES, TIME),
    **dict.fromkeys(reports.BOOLEANS, pa.bool_()),
    **dict.fromkeys(("version", "round", "chunk", "attempt", "attempts", "slots", "first_row"), pa.int64()),
    **dict.fromkeys(("rows", "rows_total", "rows_scored", "rows_rejected", "rows_with_nulls"), pa.int64()),
    **dict.fromkeys(("chunks_total", "chunks_done", "chunks_failed", "revision", "slots_waiting"), pa.int64()),
    **dict.fromkeys(("labels", "keys_unknown", "keys_doubled", "keys_replaced", "keys_shared"), pa.int64()),
    **dict.fromkeys(
        (
            "rows_per_second",
            "eta_seconds",
            "seconds",
            "value",
            "coverage",
            "bound",
            "threshold",
            "tolerance",
            "max_difference",
        ),
        pa.float64(),
    ),
}
"""Types of the views' columns; every other one is text. Written down, for a column may hold nothing but NULL."""

EXCEPTIONS = {("processes", "version"): pa.string()}
"""(view, column) → type, where a name means two things: a model's version is a number, a program's is not."""


@contextmanager
def query(
    ledger: Ledger, sql: str, limits: QueryLimits = NO_LIMITS, parameters: Mapping[str, object] = NO_PARAMETERS
) -> Iterator[Rows]:
    """Stream the rows of one SELECT. Raises UsageError for a refused statement, NotFound for an unknown job.

    Also InputMissing where a result that it names is not whole, and StorageFault where a file cannot be read.
    """
    with (
        TemporaryDirectory(dir=limits.spill, prefix="scoring-sql-") as folder,
        run_query(sql, catalog(ledger, Path(folder)), limits, parameters) as rows,
    ):
        yield rows


def catalog(ledger: Ledger, folder: Path) -> Catalog:
    """The views, the functions of a job, and two tables for each registered model.

    folder: takes files that serve to plan a query, and must stay until it has ended.
    """
    names = ledger.look(model_names)
    return Catalog(
        views={view: partial(view_table, ledger, view) for view in reports.VIEWS},
        models={
            **{f"results_{name}": partial(_results, ledger, folder, name) for name in names},
            **{f"latest_{name}": partial(_latest, ledger, folder, name) for name in names},
        },
        jobs={"results": partial(_result_of, ledger, folder), "rejects": partial(_rejects_of, ledger, folder)},
    )


def columns_of_all(ledger: Ledger) -> dict[str, list[str]]:
    """Each view and table of a model → its columns; those of a model are the newest result's."""
    columns = {view: ledger.look(partial(reports.view_columns, name=view)) for view in reports.VIEWS}
    for model in ledger.look(model_names):
        with suppress(ScoringError):  # a result that cannot be read is named once it is asked for
            own = [name for _, newest in _newest(ledger, model) for name in newest.schema.names]
            columns |= {name: [*FACTS.names, *own] for name in (f"results_{model}", f"latest_{model}")}
    return columns


def view_table(ledger: Ledger, view: str) -> pa.Table:
    """A view's rows now, with types that do not depend on them."""
    columns, rows = ledger.look(lambda tx: reports.view(tx, view))
    types = [EXCEPTIONS.get((view, column), TYPES.get(column, pa.string())) for column in columns]
    schema = pa.schema(list(zip(columns, types, strict=True)))
    cells = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    return pa.table([pa.array(cell, field.type) for cell, field in zip(cells, schema, strict=True)], schema=schema)


def _result_of(ledger: Ledger, folder: Path, reference: str) -> FileRows:
    job = ledger.look(lambda tx: jobs.find_job(tx, reference))
    if not has_result(job):
        raise UsageError(
            f"job {job.id} has no result to read",
            expected="a job with finished parts",
            got=str(job.state),
            remedy=f"scoring status {job.id}",
        )
    return _rows(files_of_result(job), folder)


def _rejects_of(ledger: Ledger, folder: Path, reference: str) -> FileRows:
    return _rows(files_of_rejects(ledger.look(lambda tx: jobs.find_job(tx, reference))), folder)


def _results(ledger: Ledger, folder: Path, model: str) -> Sequence[JobRows]:
    found = ledger.look(lambda tx: batches(tx, model))
    return [_job_rows(job, files, folder) for job, files in _with_files(found)]


def _latest(ledger: Ledger, folder: Path, model: str) -> Sequence[JobRows]:
    return [_job_rows(job, files, folder) for job, files in _newest(ledger, model)]


def _newest(ledger: Ledger, model: str) -> Iterator[tuple[Job, RowFiles]]:
    """The newest batch: by the slot that it was made for, else by its submission."""
    found = ledger.look(lambda tx: batches(tx, model))
    # Stable, the last submission first: of two with one time it counts.
    newest_first = sorted(found, key=lambda job: job.slot or job.submitted_at, reverse=True)
    return islice(_with_files(newest_first), 1)


def _with_files(found: Iterable[Job]) -> Iterator[tuple[Job, RowFiles]]:
    """Jobs with the files of their results; those whose result is gone are left out.

    Raises InputMissing where a result lacks some of its parts: sums over the rest would be wrong in silence.
    """
    for job in found:
        try:
            there = has_result(job)
        except InputMissing:
            continue
        if there:
            yield job, files_of_result(job)


def _job_rows(job: Job, files: RowFiles, folder: Path) -> JobRows:
    return JobRows(job_id=job.id, slot=job.slot, version=job.model.version, rows=_rows(files, folder))


def _rows(rows: RowFiles, folder: Path) -> FileRows:
    return FileRows(files=[str(file) for file in rows.files], template=str(write_template(rows.schema, folder)))
