"""One chunk: read, run the model, stage the files, commit, promote. The commit decides; all else can be done again."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from scoring.core.accuracy.sums import to_bytes
from scoring.core.chunks import Chunk, Part
from scoring.data import parts as part_files
from scoring.data.chunk_files import delete_chunk, read_chunk
from scoring.data.late_rejects import LateRows, merged
from scoring.data.rejects import count_rejects
from scoring.failpoints import reach
from scoring.ledger import jobs, parts, steps
from scoring.ledger.database import OutcomeUnknown, Tx
from scoring.ledger.records import Claim, Job
from scoring.model.columns import part_batch
from scoring.model.measure import chunk_metrics, measure_chunk
from scoring.model.runner import DEFAULT_MICRO_BATCH, Model
from scoring.pipeline.answers import answer
from scoring.pipeline.context import Context
from scoring.pipeline.features import with_features
from scoring.pipeline.lease import Lease
from scoring.pipeline.models import part_metadata
from scoring.pipeline.parity import require_proof
from scoring.pipeline.rejects import placed, stop_over_limit
from scoring.pipeline.to_table import copy_rows


@dataclass(frozen=True, kw_only=True)
class _Staged:
    """All that the commit of a chunk decides about."""

    job: Job
    part: Part
    # The rows of the part, for the result table.
    batch: pa.RecordBatch
    # REJECT_SCHEMA: all rejected rows of the chunk; None where there are none.
    rejects: pa.RecordBatch | None


def score(context: Context, claim: Claim, lease: Lease) -> None:
    """Score the chunk of `claim` and publish its part, or leave no trace of the attempt but its row."""
    job, chunk = context.ledger.look(
        lambda tx: (jobs.job(tx, claim.step.job_id), parts.chunk(tx, claim.step.job_id, claim.step.chunk))
    )
    staged = _stage(context, job, chunk, claim.attempt, lease)
    output = Path(job.output)
    reach("commit.begin", chunk.chunk)
    try:
        _commit(context, staged, claim, lease)
    except OutcomeUnknown:
        raise  # the commit may have happened: the files are no longer ours to remove
    except Exception:
        _remove(output, staged.part)
        raise
    reach("commit.committed", chunk.chunk)
    if not job.options.overwrite:
        part_files.promote_part(output, staged.part)
        reach("promote.done", chunk.chunk)
    delete_chunk(chunk, context.work_folder(job.id))
    more_rejects = staged.part.rows_rejected > chunk.rows_rejected
    if more_rejects and job.options.max_rejected.judged_by(chunk.chunk):
        stop_over_limit(context, job, staged.rejects)


def _stage(context: Context, job: Job, chunk: Chunk, attempt: int, lease: Lease) -> _Staged:
    clean = read_chunk(chunk, context.work_folder(job.id), job.binding.columns, raw=job.options.raw)
    reach("score.read", chunk.chunk)
    lease.check()
    require_proof(context, job.model, lease)
    model = context.models.get(job)
    rows = LateRows(batch=clean.batch, rows=clean.rows, warnings=clean.warnings)
    rows = with_features(context, job.binding, rows, lease, raw=job.options.raw)
    micro_batch_rows = _micro_batch_rows(context, job, model, rows.batch)
    rows, outputs = answer(model, job, rows, micro_batch_rows, lease, first_chunk=chunk.chunk == 0)
    lease.check()
    batch = part_batch(rows.rows, rows.batch, outputs, job.binding)
    sums = measure_chunk(rows.batch, outputs, job.binding, job.options)
    rejects = merged(clean.rejects, placed(context, job, chunk, rows.rejects))
    output, number, metadata = Path(job.output), chunk.chunk, part_metadata(job, chunk.chunk)
    part_file = part_files.stage_part(
        output, number, attempt, batch, metadata=metadata, compression=job.options.compression
    )
    with part_files.removed_on_error(output, part_file):
        rejects_file = rejects and part_files.stage_rejects(output, number, attempt, rejects, metadata=metadata)
    part = Part(
        chunk=number,
        rows_scored=batch.num_rows,
        rows_rejected=0 if rejects is None else rejects.num_rows,
        part=part_file,
        rejects=rejects_file,
        reject_counts=count_rejects(rejects),
        warning_counts=rows.warnings,
        sums=None if sums is None else to_bytes(sums),
    )
    return _Staged(job=job, part=part, batch=batch, rejects=rejects)


def _micro_batch_rows(context: Context, job: Job, model: Model, batch: pa.RecordBatch) -> int:
    """Rows per `session.run`: measured on the model's first chunk, then pinned, for they may move the last bit."""
    if job.micro_batch_rows is not None:
        return job.micro_batch_rows
    if batch.num_rows == 0:
        return DEFAULT_MICRO_BATCH  # nothing can be measured: another chunk pins it
    measured = model.probe(batch, job.binding)
    return context.ledger.run(lambda tx: jobs.pin_micro_batch(tx, job.id, measured))


def _commit(context: Context, staged: _Staged, claim: Claim, lease: Lease) -> None:
    metrics = chunk_metrics(staged.part.sums, staged.part.rows_scored)
    if staged.job.result_table is None:
        lease.end()

    def complete(tx: Tx) -> bool:
        if staged.job.result_table is not None:
            # Under the heartbeat, for this may take longer than a lease; it still beats, or again at a second try.
            lease.keep_on()
            copy_rows(tx, staged.job, staged.part.chunk, staged.batch, lease.check)
            lease.end()
        steps.complete_chunk(tx, claim, staged.part, metrics)
        reach("commit.commit", staged.part.chunk)
        return True

    context.ledger.run_once(complete, lambda tx: steps.was_committed(tx, claim) or None)


def _remove(output: Path, part: Part) -> None:
    for staged in (part.part, part.rejects):
        if staged is not None:
            part_files.remove_staged(output, staged)
