"""What one chunk's commit writes beside the move of its step: part, rejects, sums, figures. Pure SQL, no files."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, delete, insert, select

from scoring.core.accuracy.figure import Figure
from scoring.core.chunks import Part
from scoring.core.errors import AccountingBroken
from scoring.core.ids import JobId
from scoring.ledger.clock import now_us
from scoring.ledger.database import Tx
from scoring.ledger.parts import insert_reject_counts
from scoring.ledger.records import Claim
from scoring.ledger.tables import chunk_metrics, chunk_sums, chunks, parts, reject_counts

_INSERT_PART = insert(parts).values(committed_at=now_us())

_CHUNK_ROWS = select(chunks.c.rows, chunks.c.rows_rejected).where(
    chunks.c.job_id == bindparam("p_job"), chunks.c.chunk == bindparam("p_chunk")
)

_DROP_REJECT_COUNTS = delete(reject_counts).where(
    reject_counts.c.job_id == bindparam("p_job"), reject_counts.c.chunk == bindparam("p_chunk")
)


def record_part(tx: Tx, claim: Claim, part: Part, metrics: Sequence[Figure]) -> None:
    """Store the part of the chunk that `claim` has just completed. Raises AccountingBroken where a row is missing."""
    job_id = claim.step.job_id
    own = {"p_job": job_id, "p_chunk": claim.step.chunk}
    made = tx.execute(_CHUNK_ROWS, own).one()
    _check_rows(claim, part, made.rows, made.rows_rejected)
    tx.execute(_INSERT_PART, _row_of(claim, part, made.rows_rejected))
    if made.rows_rejected:
        # The split's counts by reason; the part's own, which follow, hold these rows too.
        tx.execute(_DROP_REJECT_COUNTS, own)
    insert_reject_counts(tx, job_id, part.chunk, part.reject_counts)
    if part.sums is not None:
        tx.execute(insert(chunk_sums), {"job_id": job_id, "chunk": part.chunk, "sums": part.sums})
    # A matrix is no number; only the job's own is kept.
    figures = [_figure(job_id, part.chunk, figure) for figure in metrics if figure.detail is None]
    if figures:
        tx.execute(insert(chunk_metrics), figures)


def _check_rows(claim: Claim, part: Part, rows: int, by_split: int) -> None:
    """The CHECK constraints of `parts` say the same; here it is said in words."""
    in_files = (part.part.rows, part.rejects.rows if part.rejects is not None else 0)
    if (
        part.chunk == claim.step.chunk
        and part.rows_scored + part.rows_rejected == rows
        and part.rows_rejected >= by_split
        and in_files == (part.rows_scored, part.rows_rejected)
    ):
        return
    raise AccountingBroken(
        f"{claim.step}: the part does not hold the chunk's rows",
        expected=f"{rows} rows, {by_split} or more of them rejected",
        got=f"chunk {part.chunk}: {part.rows_scored} scored + {part.rows_rejected} rejected, files of {in_files} rows",
        remedy="nothing was published; report this with `scoring failures`",
    )


def _row_of(claim: Claim, part: Part, by_split: int) -> dict[str, Any]:
    rejects = part.rejects
    return {
        "job_id": claim.step.job_id,
        "chunk": part.chunk,
        "attempt": claim.attempt,
        "rows": part.rows_scored + part.rows_rejected,
        "rows_scored": part.rows_scored,
        "rows_rejected": part.rows_rejected,
        "rejected_in_scoring": part.rows_rejected - by_split,
        "part_staged": part.part.staged,
        "part_path": part.part.path,
        "part_bytes": part.part.bytes,
        "part_sha256": part.part.sha256,
        "rejects_staged": rejects and rejects.staged,
        "rejects_path": rejects and rejects.path,
        "rejects_bytes": rejects and rejects.bytes,
        "rejects_sha256": rejects and rejects.sha256,
    }


def _figure(job_id: JobId, chunk: int, figure: Figure) -> dict[str, Any]:
    return {
        "job_id": job_id,
        "chunk": chunk,
        "metric": figure.metric,
        "value": figure.value,
        "rows": figure.rows,
        "reason": figure.reason,
    }
