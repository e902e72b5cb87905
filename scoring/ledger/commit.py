"""What one chunk's commit writes beside the move of its step: part, rejects, sums, figures. Pure SQL, no files."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Integer, bindparam, delete, insert, select
from sqlalchemy.exc import IntegrityError

from scoring.core.accuracy.figure import Figure
from scoring.core.chunks import Part, WarningCount
from scoring.core.errors import AccountingBroken
from scoring.core.ids import JobId
from scoring.ledger.clock import now_us
from scoring.ledger.database import Tx
from scoring.ledger.parts import insert_reject_counts
from scoring.ledger.records import Claim
from scoring.ledger.tables import chunk_metrics, chunk_sums, chunks, parts, reject_counts, warning_counts

_OF_CHUNK = (chunks.c.job_id == bindparam("p_job")) & (chunks.c.chunk == bindparam("p_chunk"))
_ROWS = select(chunks.c.rows).where(_OF_CHUNK).scalar_subquery()
_BY_SPLIT = select(chunks.c.rows_rejected).where(_OF_CHUNK).scalar_subquery()

_INSERT_PART = insert(parts).values(
    rows=_ROWS,  # the chunk's, so that the table's own rule counts scored + rejected against it
    rejected_in_scoring=bindparam("p_rejected", type_=Integer) - _BY_SPLIT,
    committed_at=now_us(),
)

_DROP_REJECT_COUNTS = delete(reject_counts).where(
    reject_counts.c.job_id == bindparam("p_job"), reject_counts.c.chunk == bindparam("p_chunk")
)


def record_part(tx: Tx, claim: Claim, part: Part, metrics: Sequence[Figure]) -> None:
    """Store the part of the chunk that `claim` has just completed. Raises AccountingBroken where a row is missing."""
    job_id, chunk = claim.step.job_id, claim.step.chunk
    if not _files_hold_all(claim, part):
        raise _broken(claim, part, "its files say otherwise")
    try:
        tx.execute(_INSERT_PART, _row_of(claim, part))
    except IntegrityError as error:
        raise _broken(claim, part, str(error.orig).splitlines()[0]) from error
    if part.rows_rejected:
        # The split's counts by reason; the part's own, which follow, hold these rows too.
        tx.execute(_DROP_REJECT_COUNTS, {"p_job": job_id, "p_chunk": chunk})
    insert_reject_counts(tx, job_id, chunk, part.reject_counts)
    if part.warning_counts:
        tx.execute(insert(warning_counts), [_warning(job_id, chunk, count) for count in part.warning_counts])
    if part.sums is not None:
        tx.execute(insert(chunk_sums), {"job_id": job_id, "chunk": chunk, "sums": part.sums})
    # A matrix is no number; only the job's own is kept.
    figures = [_figure(job_id, chunk, figure) for figure in metrics if figure.detail is None]
    if figures:
        tx.execute(insert(chunk_metrics), figures)


def _files_hold_all(claim: Claim, part: Part) -> bool:
    in_rejects = 0 if part.rejects is None else part.rejects.rows
    return (part.chunk, part.part.rows, in_rejects) == (claim.step.chunk, part.rows_scored, part.rows_rejected)


def _broken(claim: Claim, part: Part, why: str) -> AccountingBroken:
    return AccountingBroken(
        f"{claim.step}: the part does not hold the rows of its chunk",
        expected="as many rows as the split has counted, no fewer of them rejected",
        got=f"{part.rows_scored} scored + {part.rows_rejected} rejected ({why})",
        remedy="nothing was published; report this with `scoring failures`",
    )


def _row_of(claim: Claim, part: Part) -> dict[str, Any]:
    rejects, job_id = part.rejects, claim.step.job_id
    return {
        "job_id": job_id,
        "chunk": part.chunk,
        "attempt": claim.attempt,
        "rows_scored": part.rows_scored,
        "rows_rejected": part.rows_rejected,
        "part_staged": part.part.staged,
        "part_path": part.part.path,
        "part_bytes": part.part.bytes,
        "part_sha256": part.part.sha256,
        "rejects_staged": rejects and rejects.staged,
        "rejects_path": rejects and rejects.path,
        "rejects_bytes": rejects and rejects.bytes,
        "rejects_sha256": rejects and rejects.sha256,
        "p_job": job_id,
        "p_chunk": part.chunk,
        "p_rejected": part.rows_rejected,
    }


def _warning(job_id: JobId, chunk: int, count: WarningCount) -> dict[str, Any]:
    return {"job_id": job_id, "chunk": chunk, "code": count.code, "column_name": count.column, "rows": count.rows}


def _figure(job_id: JobId, chunk: int, figure: Figure) -> dict[str, Any]:
    return {
        "job_id": job_id,
        "chunk": chunk,
        "metric": figure.metric,
        "value": figure.value,
        "rows": figure.rows,
        "reason": figure.reason,
    }
