"""Chunks as the split records them, and the parts that were committed for them."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, delete, exists, func, insert, literal_column, select

from scoring.core.chunks import Chunk, Part, RejectCount, StagedFile
from scoring.core.errors import NotFound
from scoring.core.ids import JobId
from scoring.core.source import Position
from scoring.core.states import JobState, StepKind, StepState
from scoring.ledger.attempts import lease_lost, require_owner, share_job
from scoring.ledger.clock import now_us
from scoring.ledger.database import Tx
from scoring.ledger.records import Claim, CommittedPart
from scoring.ledger.tables import chunk_sums, chunks, jobs, parts, reject_counts, steps

_ZERO: ColumnElement[int] = literal_column("0")
"""Not a parameter: the planner must see that a partial index fits."""

_INSERT_STEP = insert(steps).from_select(
    ["job_id", "kind", "chunk", "runner", "priority", "bytes", "state", "attempt", "failures", "rings", "due_at"],
    select(
        jobs.c.job_id,
        literal_column(f"'{StepKind.SCORE}'"),
        bindparam("p_chunk", type_=steps.c.chunk.type),
        jobs.c.runner,
        jobs.c.priority,
        bindparam("p_bytes", type_=steps.c.bytes.type),
        literal_column(f"'{StepState.PENDING}'"),
        _ZERO,
        _ZERO,
        _ZERO,
        now_us(),
    ).where(jobs.c.job_id == bindparam("p_job")),
)

_waiting = steps.alias("waiting")

UNSCORED = select(func.coalesce(func.sum(_waiting.c.bytes), 0)).where(
    _waiting.c.job_id == bindparam("p_job"), _waiting.c.finished_at.is_(None), _waiting.c.bytes > _ZERO
)

_CHUNK = select(chunks).where(chunks.c.job_id == bindparam("p_job"), chunks.c.chunk == bindparam("p_chunk"))


def insert_chunk(tx: Tx, split: Claim, chunk: Chunk, position: Position) -> None:
    """Nothing → PENDING: the chunk, its score step, due now, and where the split goes on after it.

    The job's row is shared first, else a cancel between check and insert would leave a live chunk behind. Raises
    LeaseLost where the job was stopped or the claim on the split is gone.
    """
    job_id = split.step.job_id
    if share_job(tx, job_id) is not JobState.RUNNING:
        raise lease_lost(split)
    require_owner(tx, split)
    tx.execute(
        insert(chunks),
        {
            "job_id": job_id,
            "chunk": chunk.chunk,
            "first_row": chunk.first_row,
            "rows": chunk.rows,
            "rows_rejected": chunk.rows_rejected,
            "bytes": chunk.bytes,
            "source": chunk.source_json(),
            "position": position.to_json(),
        },
    )
    tx.execute(_INSERT_STEP, {"p_job": job_id, "p_chunk": chunk.chunk, "p_bytes": chunk.bytes})
    insert_reject_counts(tx, job_id, chunk.chunk, chunk.reject_counts)


def last_position(tx: Tx, job_id: JobId) -> Position | None:
    """Where the split goes on; None where no chunk is recorded yet."""
    query = select(chunks.c.position).where(chunks.c.job_id == job_id).order_by(chunks.c.chunk.desc()).limit(1)
    found = tx.execute(query).scalar_one_or_none()
    return None if found is None else Position.from_json(found)


def unscored_bytes(tx: Tx, job_id: JobId) -> int:
    """Bytes of chunk files that wait for a worker or are in its hands; references to Parquet take none."""
    return int(tx.execute(UNSCORED, {"p_job": job_id}).scalar_one())


def chunk(tx: Tx, job_id: JobId, number: int) -> Chunk:
    """The chunk as the split made it. Raises NotFound."""
    row = tx.execute(_CHUNK, {"p_job": job_id, "p_chunk": number}).one_or_none()
    if row is None:
        raise NotFound(f"job {job_id} has no chunk {number}", expected="a chunk that its split has recorded")
    return _chunk_of(row)


def chunk_bounds(tx: Tx, job_id: JobId, number: int) -> tuple[Position, Position]:
    """Where the split stood before and after the chunk. Raises NotFound."""
    wanted = chunks.c.chunk.between(number - 1, number)
    query = select(chunks.c.position).where(chunks.c.job_id == job_id, wanted).order_by(chunks.c.chunk)
    found = [Position.from_json(position) for position in tx.scalars(query)]
    if len(found) != min(number, 1) + 1:
        raise NotFound(f"job {job_id} has no chunk {number}", expected="a chunk that its split has recorded")
    return (found[0] if number else Position()), found[-1]


def committed_parts(tx: Tx, job_id: JobId) -> list[CommittedPart]:
    """Chunks with a committed part, in chunk order."""
    query = (
        select(chunks, *(column.label(f"part_{column.name}") for column in parts.c))
        .join(parts, (parts.c.job_id == chunks.c.job_id) & (parts.c.chunk == chunks.c.chunk))
        .where(chunks.c.job_id == job_id)
        .order_by(chunks.c.chunk)
    )
    return [
        CommittedPart(chunk=_chunk_of(row), files=part_of(row), attempt=row.part_attempt) for row in tx.execute(query)
    ]


def chunks_without_part(tx: Tx, job_id: JobId) -> list[Chunk]:
    """Chunks that never succeeded, in chunk order."""
    part = exists().where(parts.c.job_id == chunks.c.job_id, parts.c.chunk == chunks.c.chunk)
    query = select(chunks).where(chunks.c.job_id == job_id, ~part).order_by(chunks.c.chunk)
    return [_chunk_of(row) for row in tx.execute(query)]


def failed_chunks(tx: Tx, job_id: JobId) -> list[int]:
    """Numbers of the chunks that failed for good, in order."""
    query = select(steps.c.chunk).where(
        steps.c.job_id == job_id, steps.c.kind == StepKind.SCORE.value, steps.c.state == StepState.FAILED.value
    )
    return list(tx.scalars(query.order_by(steps.c.chunk)))


def rejected_rows(tx: Tx, job_id: JobId) -> int:
    """Rows rejected so far, by split and scoring. Reads the chunks that have rejects, and no others."""
    by_split = select(func.coalesce(func.sum(chunks.c.rows_rejected), 0)).where(
        chunks.c.job_id == job_id, chunks.c.rows_rejected > _ZERO
    )
    in_scoring = select(func.coalesce(func.sum(parts.c.rejected_in_scoring), 0)).where(
        parts.c.job_id == job_id, parts.c.rejected_in_scoring > _ZERO
    )
    return int(tx.execute(by_split).scalar_one()) + int(tx.execute(in_scoring).scalar_one())


def insert_reject_counts(tx: Tx, job_id: JobId, chunk_number: int, counts: Sequence[RejectCount]) -> None:
    if counts:
        tx.execute(
            insert(reject_counts),
            [
                {
                    "job_id": job_id,
                    "chunk": chunk_number,
                    "code": count.code,
                    "column_name": count.column,
                    "rows": count.rows,
                }
                for count in counts
            ],
        )


def sums(tx: Tx, job_id: JobId) -> Iterator[bytes]:
    """Accuracy sums of the committed parts, in chunk order: merged in another order they differ in the last bit."""
    query = select(chunk_sums.c.sums).where(chunk_sums.c.job_id == job_id).order_by(chunk_sums.c.chunk)
    yield from tx.scalars(query)


def drop_sums(tx: Tx, job_id: JobId) -> None:
    """Give the space back once the job's figures are stored."""
    tx.execute(delete(chunk_sums).where(chunk_sums.c.job_id == job_id))


def _chunk_of(row: Row[Any]) -> Chunk:
    return Chunk.from_source(
        row.source,
        chunk=row.chunk,
        first_row=row.first_row,
        rows=row.rows,
        rows_rejected=row.rows_rejected,
        bytes=row.bytes,
    )


def part_of(row: Row[Any]) -> Part:
    """Of a row whose columns of `parts` bear `part_` before their names."""
    rejects = None
    if row.part_rejects_path is not None:
        rejects = StagedFile(
            staged=row.part_rejects_staged,
            path=row.part_rejects_path,
            rows=row.part_rows_rejected,
            bytes=row.part_rejects_bytes,
            sha256=row.part_rejects_sha256,
        )
    return Part(
        chunk=row.chunk,
        rows_scored=row.part_rows_scored,
        rows_rejected=row.part_rows_rejected,
        part=StagedFile(
            staged=row.part_part_staged,
            path=row.part_part_path,
            rows=row.part_rows_scored,
            bytes=row.part_part_bytes,
            sha256=row.part_part_sha256,
        ),
        rejects=rejects,
    )
