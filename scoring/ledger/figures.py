"""Figures of a job: those that count now, and what they were before."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, insert

from scoring.core.accuracy.figure import Figure
from scoring.core.ids import JobId
from scoring.ledger.clock import now_us
from scoring.ledger.database import Tx
from scoring.ledger.tables import chunk_metrics, job_metrics, past_metrics

INPUT_LABELS = 0
"""The revision of the history whose figures have the labels of the input alone."""


def replace_figures(tx: Tx, job_id: JobId, figures: Sequence[Figure]) -> None:
    """From here on these are the figures of the job."""
    tx.execute(delete(job_metrics).where(job_metrics.c.job_id == job_id))
    if figures:
        rows = [{**_row(job_id, f), "coverage": f.coverage, "bound": f.bound, "detail": f.detail} for f in figures]
        tx.execute(insert(job_metrics), rows)


def replace_chunk_figures(tx: Tx, job_id: JobId, by_chunk: Mapping[int, Sequence[Figure]]) -> None:
    """The same for all chunks of the job. A matrix is no number: chunks have none."""
    tx.execute(delete(chunk_metrics).where(chunk_metrics.c.job_id == job_id))
    rows = [
        {**_row(job_id, figure), "chunk": chunk}
        for chunk, figures in by_chunk.items()
        for figure in figures
        if figure.detail is None
    ]
    if rows:
        tx.execute(insert(chunk_metrics), rows)


def remember_figures(tx: Tx, job_id: JobId, revision: int, figures: Sequence[Figure]) -> None:
    """Keep them in the history of the job, in place of what the same revision left there."""
    forget_figures(tx, job_id, revision)
    rows = [
        {**_row(job_id, figure), "revision": revision, "coverage": figure.coverage}
        for figure in figures
        if figure.detail is None
    ]
    if rows:
        tx.execute(insert(past_metrics).values(measured_at=now_us()), rows)


def forget_figures(tx: Tx, job_id: JobId, revision: int) -> None:
    """Take a revision out of the history."""
    tx.execute(delete(past_metrics).where(past_metrics.c.job_id == job_id, past_metrics.c.revision == revision))


def _row(job_id: JobId, figure: Figure) -> dict[str, Any]:
    return {
        "job_id": job_id,
        "metric": figure.metric,
        "value": figure.value,
        "rows": figure.rows,
        "reason": figure.reason,
    }
