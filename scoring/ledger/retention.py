"""What a schedule lets go of, and how little the ledger keeps of it: the job's row, its totals and its figures."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, Delete, Table, delete, exists, func, select, true, update

from scoring.core.ids import JobId
from scoring.core.schedules.keep import Keep
from scoring.core.states import JobState, StepKind
from scoring.ledger.attempts import lock_job
from scoring.ledger.clock import instant, microseconds, now_us
from scoring.ledger.database import Tx
from scoring.ledger.job_rows import job_of, select_jobs
from scoring.ledger.records import Job
from scoring.ledger.tables import (
    attempts,
    chunk_metrics,
    chunk_sums,
    chunks,
    jobs,
    label_files,
    parts,
    reject_counts,
    steps,
    warning_counts,
)

CHUNKS_AT_ONCE = 10_000
"""Chunks whose rows go in one transaction: others wait for a SQLite ledger meanwhile."""

_SETTLED = [state.value for state in JobState if state.settled]
_holder = jobs.alias("holder")
_BY_CHUNK = (attempts, chunk_sums, chunk_metrics, reject_counts, warning_counts, parts, chunks, steps)
"""In an order that breaks no foreign key."""


def expired(tx: Tx, schedule: str, keep: Keep, *, now: datetime, ended_before: datetime) -> list[Job]:
    """Batches of the schedule that `keep` lets go of, by slot: settled, at rest, and older than what is kept.

    ended_before: of jobs that ended later an attempt may still be alive.
    """
    own = (jobs.c.schedule == schedule) & jobs.c.slot.is_not(None) & jobs.c.purged_at.is_(None)
    good = select(jobs.c.slot).where(own, jobs.c.state == JobState.SUCCEEDED.value)
    newest = [instant(slot) for slot in tx.scalars(good.order_by(jobs.c.slot.desc()).limit(keep.looks_at))]
    first_kept = keep.first_kept(newest, now)
    if first_kept is None:
        return []
    query = select_jobs().where(own, _at_rest(ended_before), jobs.c.slot < microseconds(first_kept))
    return [job_of(row) for row in tx.execute(query.order_by(jobs.c.slot))]


def purge(tx: Tx, job_id: JobId, *, ended_before: datetime) -> bool:
    """Settled → purged: from here on nobody reads or retries the job, and its files and rows may go.

    False where it is purged already, was revived meanwhile, or somebody writes to its output.
    """
    lock_job(tx, job_id)
    own = (jobs.c.job_id == job_id) & jobs.c.purged_at.is_(None) & _at_rest(ended_before)
    return tx.execute(update(jobs).where(own).values(purged_at=now_us())).rowcount == 1


def half_purged(tx: Tx) -> list[Job]:
    """Jobs whose purge was broken off: their rows are the last to go."""
    left = exists().where(steps.c.job_id == jobs.c.job_id)
    query = select_jobs().where(jobs.c.purged_at.is_not(None), left, ~_held())
    return [job_of(row) for row in tx.execute(query.order_by(jobs.c.number))]


def drop_rows(tx: Tx, job_id: JobId) -> bool:
    """Delete the rows of up to CHUNKS_AT_ONCE chunks of a purged job; True while there are more.

    Only figures of the whole job stay, and the job's row with its totals, which the views go on telling.
    """
    scoring = (steps.c.job_id == job_id) & (steps.c.kind == StepKind.SCORE.value)
    first = tx.execute(select(func.min(steps.c.chunk)).where(scoring)).scalar_one()
    if first is not None:
        for table in _BY_CHUNK:
            some = _own(table, job_id).where(table.c.chunk.between(first, first + CHUNKS_AT_ONCE - 1))
            # Where a key begins with the kind, a range of chunks alone would read all of them.
            tx.execute(some.where(table.c.kind == StepKind.SCORE.value) if "kind" in table.c else some)
        return True
    # The steps of the job itself last: while one is there, the purge is not over.
    for table in (label_files, attempts, steps):
        tx.execute(_own(table, job_id))
    return False


def ended(tx: Tx, *, before: datetime) -> list[tuple[JobId, str]]:
    """(id, output) of jobs that need no chunk file and no staged file any more: none of them can be retried."""
    done = [JobState.SUCCEEDED.value, JobState.CANCELLED.value]
    over = jobs.c.state.in_(done) | jobs.c.purged_at.is_not(None)
    query = select(jobs.c.job_id, jobs.c.output).where(_at_rest(before), over).order_by(jobs.c.number)
    return [(JobId(row.job_id), row.output) for row in tx.execute(query)]


def known(tx: Tx, ids: Collection[str]) -> set[str]:
    """Those of the ids that are jobs."""
    return set(tx.scalars(select(jobs.c.job_id).where(jobs.c.job_id.in_(ids))))


def _at_rest(ended_before: datetime) -> ColumnElement[bool]:
    return jobs.c.state.in_(_SETTLED) & ~_held() & (jobs.c.finished_at < microseconds(ended_before))


def _held() -> ColumnElement[bool]:
    """Somebody writes to the job's output: its own last step, or a later job that replaces it."""
    return exists().where(_holder.c.output == jobs.c.output, _holder.c.output_held == true())


def _own(table: Table, job_id: JobId) -> Delete:
    return delete(table).where(table.c.job_id == job_id)
