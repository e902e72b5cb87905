"""The producer: cuts the input into chunks, records each as soon as it is whole, and has it rung at once."""

from collections.abc import Iterator
from dataclasses import replace

from scoring.core.chunks import CHUNK_TEXT_BYTES, HIGH_BYTES, Chunk, check_chunks
from scoring.core.source import Position
from scoring.data.chunk_files import read_rejects
from scoring.data.empty import empty_chunk
from scoring.data.roots import check_roots
from scoring.data.split import split as split_files
from scoring.failpoints import reach
from scoring.ledger import jobs, parts, steps
from scoring.ledger.records import Claim, Job
from scoring.pipeline.context import Context
from scoring.pipeline.lease import Lease
from scoring.pipeline.publish import publish_due
from scoring.pipeline.rejects import stop_over_limit


def split(context: Context, claim: Claim, lease: Lease) -> None:
    """Go on from the last recorded chunk until the input ends or enough chunks wait.

    A split that was killed starts again here: bounds are deterministic, and what was recorded stays.
    """
    job_id = claim.step.job_id
    job = context.ledger.look(lambda tx: jobs.job(tx, job_id))
    _check_places(context, job)
    position = context.ledger.look(lambda tx: parts.last_position(tx, job_id)) or Position()
    waiting = context.ledger.look(lambda tx: parts.unscored_bytes(tx, job_id))
    limit = job.options.max_rejected
    for chunk, behind in _chunks(context, job, position):
        lease.check()
        check_chunks(chunk.chunk + 1)  # the rows were an estimate until now
        _record(context, claim, chunk, behind)
        if chunk.rows_rejected and limit.judged_by(chunk.chunk) and _over_limit(context, job, chunk):
            return  # this step is cancelled with the job's others
        position = behind
        waiting += chunk.bytes
        if waiting >= HIGH_BYTES:
            waiting = context.ledger.look(lambda tx: parts.unscored_bytes(tx, job_id))
        if waiting >= HIGH_BYTES:
            lease.end()
            context.ledger.run(lambda tx: steps.release(tx, claim, due_in_seconds=None))
            return
    if position.chunk == 0:
        empty = empty_chunk(job.inputs, job.binding.columns, context.work_folder(job_id))
        _record(context, claim, empty, replace(position, chunk=1))
    lease.end()
    reach("split.complete")
    context.ledger.run(lambda tx: steps.complete_split(tx, claim, position.row))
    stop_over_limit(context, job, None)  # a share can be judged now


def _check_places(context: Context, job: Job) -> None:
    """What the submitter was allowed is asked of this host too: a row may have been written by other hands.

    Raises InputRefused.
    """
    for file in job.inputs:
        check_roots(file.path, context.settings.input_roots)
    check_roots(job.output, context.settings.output_roots, "SCORING_OUTPUT_ROOTS")


def _chunks(context: Context, job: Job, start: Position) -> Iterator[tuple[Chunk, Position]]:
    return split_files(
        job.inputs,
        job.binding.columns,
        job.options.dialect,
        chunk_rows=job.chunk_rows,
        start=start,
        work=context.work_folder(job.id),
        limit=job.options.limit,
        whole_groups=job.whole_groups,
        raw=job.options.raw,
        # --chunk-rows is exact.
        text_bytes=CHUNK_TEXT_BYTES if job.options.chunk_rows is None else None,
    )


def _over_limit(context: Context, job: Job, chunk: Chunk) -> bool:
    rejects = read_rejects(chunk, context.work_folder(job.id)) if job.options.max_rejected.none else None
    return stop_over_limit(context, job, rejects)


def _record(context: Context, claim: Claim, chunk: Chunk, position: Position) -> None:
    reach("split.written", chunk.chunk)
    context.ledger.run(lambda tx: parts.insert_chunk(tx, claim, chunk, position))
    reach("split.recorded", chunk.chunk)
    publish_due(context)
