"""Rejected rows while the job runs: where they stand, and whether there are too many of them."""

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from scoring.core.chunks import Chunk
from scoring.core.row_bounds import rows_at_most
from scoring.core.source import Position
from scoring.data.places import Split, places
from scoring.data.reject_examples import described
from scoring.data.rejects import Reject
from scoring.ledger import jobs, parts
from scoring.ledger.database import Tx
from scoring.ledger.records import Job
from scoring.pipeline.context import Context


def placed(context: Context, job: Job, chunk: Chunk, rejects: Sequence[Reject]) -> list[Reject]:
    """The rejects of a chunk's scoring with file, and line where the files have lines. Nothing is asked without any."""
    if not rejects:
        return []
    start, end = context.ledger.look(lambda tx: parts.chunk_bounds(tx, job.id, chunk.chunk))
    split = Split(
        files=job.inputs, dialect=job.options.dialect, start=start, end=end, column=job.binding.columns[0].name
    )
    return placed_in(chunk, split, rejects, raw=job.options.raw)


def placed_in(chunk: Chunk, split: Split, rejects: Sequence[Reject], *, raw: bool) -> list[Reject]:
    """As `placed`, in row order. raw: they may show values of their rows."""
    ordered = sorted(rejects, key=lambda reject: reject.row)
    found = places(chunk, split, [reject.row for reject in ordered])
    return [
        replace(reject, file=place.file, line=place.line, raw=reject.raw if place.raw is None or not raw else place.raw)
        for reject, place in zip(ordered, found, strict=True)
    ]


def stop_over_limit(context: Context, job: Job, rejects: pa.RecordBatch | None) -> bool:
    """Stop the job where it has rejected more rows than it may, or cannot end within its limit any more.

    rejects: of the chunk at hand; where not one row may be rejected, its first one is named. True: the job is stopped.
    """
    limit = job.options.max_rejected
    first = described(rejects) if limit.none and rejects is not None else ""

    def judge(tx: Tx) -> bool:
        at_most = None if limit.fraction is None else _rows_at_most(tx, job)
        return jobs.stop_over_limit(tx, job.id, at_most=at_most, first=first)

    return context.ledger.run(judge)


def _rows_at_most(tx: Tx, job: Job) -> int | None:
    position = parts.last_position(tx, job.id) or Position()
    options = job.options
    return rows_at_most(
        job.inputs,
        position,
        encoding=options.dialect.encoding,
        limit=options.limit,
        expected=job.rows_expected,
    )
