"""The end of a job: reach a verdict, commit it, then roll the files forward to it.

Everything after the commit is done from rows alone, and may be done again.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from scoring.core.chunks import Chunk, StagedFile
from scoring.core.errors import ChunkCorrupt, ErrorCode
from scoring.core.states import JobState
from scoring.data import parts as part_files
from scoring.data.chunk_files import delete_work, read_rejects
from scoring.data.delta import commit_parts
from scoring.data.manifest import Manifest, ManifestPart, part_schema, write_manifest, write_partial
from scoring.data.outputs import clear_replaced
from scoring.data.roots import check_roots, under_roots
from scoring.data.storage import storage_faults
from scoring.failpoints import reach
from scoring.ledger import jobs, parts, steps
from scoring.ledger.database import Tx
from scoring.ledger.records import Claim, CommittedPart, Job
from scoring.pipeline.context import Context
from scoring.pipeline.lease import Lease
from scoring.pipeline.models import part_metadata
from scoring.pipeline.to_table import index_rows
from scoring.pipeline.verdict import lost_part, reach_verdict
from scoring.telemetry import announce

NO_ATTEMPT = 0
"""In the staged names of rejects whose chunk never succeeded: no attempt bears this number."""


def finalize(context: Context, claim: Claim, lease: Lease) -> None:
    """Bring a job whose chunks have all settled to its end, or tidy up after a cancelled one."""
    job_id = claim.step.job_id
    job = context.ledger.look(lambda tx: jobs.job(tx, job_id))
    committed = context.ledger.look(lambda tx: parts.committed_parts(tx, job_id))
    if job.state is JobState.RUNNING:
        verdict, figures = reach_verdict(context, job, committed, lease)
        reach("finalize.verdict")
        job = context.ledger.run(lambda tx: jobs.begin_finalizing(tx, claim, verdict, figures))
        reach("finalize.committed")
    _publish(context, job, committed, lease)
    index_rows(context, job)
    lease.end()
    reach("finalize.settle")
    context.ledger.run_once(lambda tx: _settle(tx, claim), lambda tx: steps.was_committed(tx, claim) or None)
    reach("finalize.settled")
    if job.succeeds or job.state is JobState.CANCELLED:
        delete_work(context.work_folder(job_id))  # a failed job keeps its chunk files for `retry`


def _settle(tx: Tx, claim: Claim) -> bool:
    if jobs.settle(tx, claim).succeeds:
        parts.drop_sums(tx, claim.step.job_id)  # the figures are stored; only a failed job may be measured again
    return True


def _publish(context: Context, job: Job, committed: list[CommittedPart], lease: Lease) -> None:
    output = Path(job.output)
    if not _may_write(context, job):
        return
    lease.check()  # before each change: whoever slept past the lease may find a later job's result here
    if job.options.overwrite and not job.succeeds:
        # Last night's result stays as it was; what is committed waits, staged, for a `retry` that succeeds, and what
        # was rejected for `scoring failures`.
        rejects = _rejects_without_part(context, job) if job.state is not JobState.CANCELLED else []
        waiting = [*_waiting(job, committed), *(file.staged for _, file in rejects)]
        part_files.clear_staging(output, job.id, keep=waiting)
        return
    if job.options.overwrite:
        clear_replaced(output, job_id=job.id, keep_log=job.options.delta)
    with storage_faults(output):
        output.mkdir(parents=True, exist_ok=True)
    public = _promote(job, committed, lease)
    reach("finalize.promoted")
    lease.check()
    never_scored = _rejects_without_part(context, job)
    for _, file in never_scored:
        part_files.promote(output, file)
    more_rejects = [*public.more_rejects, *never_scored]
    part_files.clear_staging(output, job.id)
    manifest = _manifest(job, output, public.parts, more_rejects)
    lease.check()
    if job.succeeds and not public.lost:
        if job.options.delta:
            commit_parts(output, job.id, manifest.schema, [part.files.part for part in public.parts])
        write_manifest(output, manifest)
        return
    write_partial(output, manifest)
    if job.succeeds:  # the verdict stands: only a finalize step that fails can still take it back
        raise lost_part(public.lost[0])


def _may_write(context: Context, job: Job) -> bool:
    """False where a failed job's output lies outside this host's roots: its error says so.

    Raises InputRefused where it has succeeded: then the roots were changed meanwhile.
    """
    roots = context.settings.output_roots
    if job.succeeds:
        check_roots(job.output, roots, "SCORING_OUTPUT_ROOTS")
    return under_roots(job.output, roots)


@dataclass(frozen=True, kw_only=True)
class _Public:
    """What is in the output folder of the committed files."""

    # Of a part whose rejects are lost without these.
    parts: list[CommittedPart]
    # Of chunks whose part is lost: (chunk, file).
    more_rejects: list[tuple[int, StagedFile]]
    lost: list[ChunkCorrupt]


def _promote(job: Job, committed: list[CommittedPart], lease: Lease) -> _Public:
    public = _Public(parts=[], more_rejects=[], lost=[])
    for part in committed:
        lease.check()
        rejects = _promoted(job, part.files.rejects, public.lost)
        if _promoted(job, part.files.part, public.lost) is not None:
            public.parts.append(replace(part, files=replace(part.files, rejects=rejects)))
        elif rejects is not None:
            public.more_rejects.append((part.chunk.chunk, rejects))
    return public


def _promoted(job: Job, file: StagedFile | None, lost: list[ChunkCorrupt]) -> StagedFile | None:
    """The file once it is public; None where there is none, or it is lost."""
    if file is None:
        return None
    output = Path(job.output)
    try:
        if not job.succeeds and (output / file.staged).exists():
            part_files.require_committed(output / file.staged, file)  # no verdict says that it can be read
        part_files.promote(output, file)
    except ChunkCorrupt as error:
        lost.append(error)
        return None
    return file


def _waiting(job: Job, committed: list[CommittedPart]) -> list[str]:
    """Staged names that a `retry` may still promote: a cancelled job has none, nor has one that lost a part."""
    if job.state is JobState.CANCELLED or job.error_code is ErrorCode.ACCOUNTING_BROKEN:
        return []
    return [name for part in committed for name in _staged_names(part)]


def _staged_names(part: CommittedPart) -> list[str]:
    return [file.staged for file in (part.files.part, part.files.rejects) if file is not None]


def _rejects_without_part(context: Context, job: Job) -> list[tuple[int, StagedFile]]:
    """Stage what the split rejected of chunks that never succeeded: (chunk, file)."""
    found = []
    for chunk in context.ledger.look(lambda tx: parts.chunks_without_part(tx, job.id)):
        rejects = _legible_rejects(context, job, chunk)
        if rejects is not None:
            metadata = part_metadata(job, chunk.chunk)
            staged = part_files.stage_rejects(Path(job.output), chunk.chunk, NO_ATTEMPT, rejects, metadata=metadata)
            found.append((chunk.chunk, staged))
    return found


def _legible_rejects(context: Context, job: Job, chunk: Chunk) -> pa.RecordBatch | None:
    try:
        return read_rejects(chunk, context.work_folder(job.id))
    except ChunkCorrupt as error:
        # No success is at stake any more: the job must come to its end, and list all that can be read.
        announce("rejects.lost", job=job.id, chunk=chunk.chunk, error=str(error))
        return None


def _manifest(
    job: Job, output: Path, committed: list[CommittedPart], more_rejects: list[tuple[int, StagedFile]]
) -> Manifest:
    scored = sum(part.files.rows_scored for part in committed)
    rejected = sum(part.files.rows_rejected for part in committed) + sum(file.rows for _, file in more_rejects)
    return Manifest(
        job_id=job.id,
        model_name=job.model.name,
        model_version=job.model.version,
        model_sha256=job.model.sha256,
        rows_total=job.rows_total if job.rows_total is not None else scored + rejected,
        rows_scored=scored,
        rows_rejected=rejected,
        schema=part_schema(output / committed[0].files.part.path) if committed else pa.schema([]),
        parts=[
            ManifestPart(
                chunk=part.chunk.chunk,
                first_row=part.chunk.first_row,
                rows_rejected=part.files.rows_rejected,
                part=part.files.part,
                rejects=part.files.rejects,
            )
            for part in committed
        ],
        more_rejects=more_rejects,
    )
