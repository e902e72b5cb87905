"""What the ledger says of a settled job, for whoever proves it again: one record per chunk, a page at a time."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Row, exists, func, select

from scoring.core.chunks import Part
from scoring.core.ids import NO_CHUNK, JobId
from scoring.core.states import StepKind, StepState
from scoring.ledger.database import Ledger, Tx
from scoring.ledger.job_rows import job_of, select_jobs
from scoring.ledger.parts import part_of
from scoring.ledger.records import AttemptEnd, Job
from scoring.ledger.tables import attempts, chunks, jobs, parts, reject_counts, steps

PAGE = 1_000
"""Chunks asked for at once: memory does not grow with their number."""

_CARRIED = (jobs.c.finished_at, jobs.c.chunks_done, jobs.c.chunks_failed, jobs.c.rows_scored, jobs.c.rows_rejected)
"""Once settled; the views count where they are null."""


@dataclass(frozen=True, kw_only=True)
class StepAccount:
    """One step and the attempts of it that have ended."""

    kind: StepKind
    state: StepState
    # Attempts begun.
    attempt: int
    error_code: str | None
    error: str | None
    # (number, how it ended), in their order.
    ended: tuple[tuple[int, AttemptEnd], ...]


@dataclass(frozen=True, kw_only=True)
class ChunkAccount:
    """One chunk as its split recorded it, and what came of it."""

    chunk: int
    first_row: int
    rows: int
    # By the split.
    rows_rejected: int
    # None: the step's row is not there.
    step: StepAccount | None
    # None: nothing was committed for it.
    part: Part | None
    # That has committed the part.
    winner: int | None
    # (code, column) → rows.
    reject_counts: Mapping[tuple[str, str], int]

    @property
    def rejected(self) -> int:
        """Rows of it that nobody has scored for a reason that stands in its rejects."""
        return self.rows_rejected if self.part is None else self.part.rows_rejected


@dataclass(frozen=True, kw_only=True)
class LaterJob:
    """A job with the same output."""

    job_id: JobId
    # It has cleared the folder, or is about to.
    replaces: bool
    # Its last step has failed at least once, and may have cleared the folder: the ledger does not tell.
    may_replace: bool


@dataclass(frozen=True, kw_only=True)
class RowCounts:
    """Rows that the tables hold of a job."""

    chunks: int
    score_steps: int
    parts: int
    score_attempts: int
    # Columns that every settled job carries, and this one does not.
    unset: tuple[str, ...]


def is_at_work(tx: Tx, job_id: JobId) -> bool:
    """Whether files of the job may still move: its last step has not settled."""
    return bool(tx.scalar(select(jobs.c.output_held).where(jobs.c.job_id == job_id)))


def chunk_accounts(ledger: Ledger, job_id: JobId) -> Iterator[ChunkAccount]:
    """All chunks in order; no transaction is open while the caller looks at one."""
    first = 0
    while page := ledger.look(lambda tx, first=first: _page(tx, job_id, first)):  # type: ignore[misc]
        yield from page
        first = page[-1].chunk + 1


def job_steps(tx: Tx, job_id: JobId) -> list[StepAccount]:
    """The split and the finalize step."""
    found = tx.execute(select(steps).where(steps.c.job_id == job_id, steps.c.chunk == NO_CHUNK)).all()
    query = select(attempts).where(attempts.c.job_id == job_id, attempts.c.chunk == NO_CHUNK)
    ended = tx.execute(query.order_by(attempts.c.attempt)).all()
    return [_step(row, [end for end in ended if end.kind == row.kind]) for row in found]


def row_counts(tx: Tx, job_id: JobId) -> RowCounts:
    carried = tx.execute(select(*_CARRIED).where(jobs.c.job_id == job_id)).one()

    def count(table: Any, *conditions: Any) -> int:
        return int(tx.execute(select(func.count()).where(table.c.job_id == job_id, *conditions)).scalar_one())

    return RowCounts(
        chunks=count(chunks),
        score_steps=count(steps, steps.c.kind == StepKind.SCORE.value),
        parts=count(parts),
        score_attempts=count(attempts, attempts.c.kind == StepKind.SCORE.value),
        unset=tuple(name for name, value in carried._mapping.items() if value is None),
    )


def later_jobs(tx: Tx, job: Job) -> list[LaterJob]:
    """Those that were submitted to its output after it, the last one first."""
    number = select(jobs.c.number).where(jobs.c.job_id == job.id).scalar_subquery()
    broke_off = exists().where(
        attempts.c.job_id == jobs.c.job_id,
        attempts.c.kind == StepKind.FINALIZE.value,
        attempts.c.outcome != AttemptEnd.COMPLETED.value,
    )
    query = select_jobs().add_columns(broke_off.label("broke_off"))
    found = tx.execute(query.where(jobs.c.output == job.output, jobs.c.number > number).order_by(jobs.c.number.desc()))
    return [_later(job_of(row), row.broke_off) for row in found]


def _later(job: Job, broke_off: bool) -> LaterJob:
    # Without --overwrite it was given an empty folder.
    return LaterJob(job_id=job.id, replaces=job.succeeds or not job.options.overwrite, may_replace=broke_off)


def _page(tx: Tx, job_id: JobId, first: int) -> list[ChunkAccount]:
    plain = [chunks.c.chunk, chunks.c.first_row, chunks.c.rows, chunks.c.rows_rejected]
    of_step = [steps.c.kind, steps.c.state, steps.c.attempt, steps.c.error_code, steps.c.error]
    is_step = (steps.c.job_id == chunks.c.job_id) & (steps.c.chunk == chunks.c.chunk)
    query = (
        select(*plain, *of_step, *(column.label(f"part_{column.name}") for column in parts.c))
        .outerjoin(steps, is_step & (steps.c.kind == StepKind.SCORE.value))
        .outerjoin(parts, (parts.c.job_id == chunks.c.job_id) & (parts.c.chunk == chunks.c.chunk))
        .where(chunks.c.job_id == job_id, chunks.c.chunk >= first)
        .order_by(chunks.c.chunk)
        .limit(PAGE)
    )
    found = tx.execute(query).all()
    if not found:
        return []
    last = found[-1].chunk
    scored = (attempts.c.job_id == job_id) & (attempts.c.kind == StepKind.SCORE.value)
    tried = select(attempts).where(scored, attempts.c.chunk.between(first, last))
    ended = _by_chunk(tx.execute(tried.order_by(attempts.c.chunk, attempts.c.attempt)))
    of_rejects = (reject_counts.c.job_id == job_id) & reject_counts.c.chunk.between(first, last)
    counted = _by_chunk(tx.execute(select(reject_counts).where(of_rejects).order_by(reject_counts.c.chunk)))
    return [_account(row, ended.get(row.chunk, []), counted.get(row.chunk, [])) for row in found]


def _by_chunk(rows: Iterable[Row[Any]]) -> dict[int, list[Row[Any]]]:
    return {chunk: list(group) for chunk, group in groupby(rows, key=lambda row: row.chunk)}


def _account(row: Row[Any], ended: list[Row[Any]], counted: list[Row[Any]]) -> ChunkAccount:
    return ChunkAccount(
        chunk=row.chunk,
        first_row=row.first_row,
        rows=row.rows,
        rows_rejected=row.rows_rejected,
        step=None if row.kind is None else _step(row, ended),
        part=None if row.part_chunk is None else part_of(row),
        winner=row.part_attempt,
        reject_counts={(count.code, count.column_name): count.rows for count in counted},
    )


def _step(row: Row[Any], ended: list[Row[Any]]) -> StepAccount:
    return StepAccount(
        kind=StepKind(row.kind),
        state=StepState(row.state),
        attempt=row.attempt,
        error_code=row.error_code,
        error=row.error,
        ended=tuple((end.attempt, AttemptEnd(end.outcome)) for end in ended),
    )
