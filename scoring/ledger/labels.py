"""Labels that came later: each call a revision, and figures that only ever move to a later one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, exists, func, insert, select, update

from scoring.core.accuracy.figure import Figure
from scoring.core.errors import InputMissing
from scoring.core.ids import JobId
from scoring.core.late_labels import LabelCounts
from scoring.core.states import JobState
from scoring.ledger.attempts import lock_job
from scoring.ledger.clock import maybe_instant, microseconds, now_us
from scoring.ledger.database import Tx
from scoring.ledger.figures import remember_figures, replace_chunk_figures, replace_figures
from scoring.ledger.job_rows import job_of, read_job, select_jobs
from scoring.ledger.records import Job
from scoring.ledger.tables import jobs, label_files, model_versions


@dataclass(frozen=True, kw_only=True)
class NewLabels:
    """A file of labels that lies in the store, whole."""

    # As the user named it.
    file: str
    # Columns of the file; that of the key is also the result's, or ``_row``.
    key_column: str
    label_column: str
    # Of the copy, relative to the store.
    path: str
    sha256: str
    counts: LabelCounts


@dataclass(frozen=True, kw_only=True)
class LabelRevision:
    """A file of labels as the ledger has it."""

    # From 1 within the job.
    revision: int
    labels: NewLabels
    # When the figures with it were stored; None: not yet.
    measured_at: datetime | None


def revisions(tx: Tx, job_id: JobId, *, up_to: int | None = None) -> list[LabelRevision]:
    """The job's files of labels, oldest first."""
    query = select(label_files).where(label_files.c.job_id == job_id).order_by(label_files.c.revision)
    if up_to is not None:
        query = query.where(label_files.c.revision <= up_to)
    return [_revision_of(row) for row in tx.execute(query)]


def add_revision(tx: Tx, job_id: JobId, new: NewLabels) -> tuple[LabelRevision, bool]:
    """Nothing → a revision that waits to be measured; (it, True).

    The same labels as those of the newest revision, by the same columns, are that one: (it, False). The job's row is
    taken first, so that revisions have an order. Raises InputMissing where retention took the job meanwhile.
    """
    _take(tx, job_id)
    newest = next(iter(revisions(tx, job_id)[-1:]), None)
    if newest is not None and _content(newest.labels) == _content(new):
        return newest, False
    number = newest.revision + 1 if newest is not None else 1
    tx.execute(insert(label_files).values(**_row_of(job_id, number, new), added_at=now_us()))
    return LabelRevision(revision=number, labels=new, measured_at=None), True


def store_figures(
    tx: Tx, job_id: JobId, revision: int, figures: Sequence[Figure], by_chunk: Mapping[int, Sequence[Figure]]
) -> bool:
    """A revision → measured: its figures join the history, and become the job's unless a later one's are already.

    True where they became the job's. Raises InputMissing where retention took the job meanwhile.
    """
    _take(tx, job_id)
    own = (label_files.c.job_id == job_id) & (label_files.c.revision == revision)
    tx.execute(update(label_files).where(own).values(measured_at=func.coalesce(label_files.c.measured_at, now_us())))
    remember_figures(tx, job_id, revision, figures)
    later = exists().where(
        label_files.c.job_id == job_id, label_files.c.revision > revision, label_files.c.measured_at.is_not(None)
    )
    if tx.execute(select(later)).scalar_one():
        return False
    replace_figures(tx, job_id, figures)
    replace_chunk_figures(tx, job_id, by_chunk)
    return True


def jobs_in_window(tx: Tx, model: str, since: datetime) -> list[Job]:
    """Succeeded jobs of all versions of the model, by slot, or end where they have none, from `since` on; oldest first.

    Those that retention took are left out.
    """
    when = func.coalesce(jobs.c.slot, jobs.c.finished_at)
    query = select_jobs().where(
        model_versions.c.name == model,
        jobs.c.state == JobState.SUCCEEDED.value,
        jobs.c.purged_at.is_(None),
        when >= microseconds(since),
    )
    return [job_of(row) for row in tx.execute(query.order_by(when, jobs.c.number))]


def _take(tx: Tx, job_id: JobId) -> None:
    lock_job(tx, job_id)
    if read_job(tx, job_id).purged_at is not None:
        raise purged(job_id)


def purged(job_id: JobId) -> InputMissing:
    return InputMissing(
        f"the result of job {job_id} is gone",
        expected="its rows, to be labelled",
        got="what retention left: totals and figures",
        remedy="score it again, with labels in the input or attached in time",
    )


def _content(labels: NewLabels) -> tuple[str, str, str]:
    return labels.sha256, labels.key_column, labels.label_column


def _row_of(job_id: JobId, number: int, new: NewLabels) -> dict[str, Any]:
    return {
        "job_id": job_id,
        "revision": number,
        "file": new.file,
        "key_column": new.key_column,
        "label_column": new.label_column,
        "path": new.path,
        "sha256": new.sha256,
        "labels": new.counts.labels,
        "keys_unknown": new.counts.unknown,
        "keys_doubled": new.counts.doubled,
        "keys_replaced": new.counts.replaced,
        "keys_shared": new.counts.shared,
    }


def _revision_of(row: Row[Any]) -> LabelRevision:
    counts = LabelCounts(
        labels=row.labels,
        unknown=row.keys_unknown,
        doubled=row.keys_doubled,
        replaced=row.keys_replaced,
        shared=row.keys_shared,
    )
    return LabelRevision(
        revision=row.revision,
        labels=NewLabels(
            file=row.file,
            key_column=row.key_column,
            label_column=row.label_column,
            path=row.path,
            sha256=row.sha256,
            counts=counts,
        ),
        measured_at=maybe_instant(row.measured_at),
    )
