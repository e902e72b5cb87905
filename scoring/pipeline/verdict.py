"""How a job ends: whether its rows add up, how accurate it was, and whether that is good enough."""

from collections.abc import Iterator
from functools import reduce
from pathlib import Path

from scoring.core.accounting import ChunkCount, check_accounts
from scoring.core.accuracy.auc import Pair
from scoring.core.accuracy.figure import Figure
from scoring.core.accuracy.sums import Sums, exact_auc, figures, from_bytes, merge
from scoring.core.chunks import StagedFile
from scoring.core.errors import AccountingBroken, ChunkCorrupt, ErrorCode, TableRefused
from scoring.core.states import Gate
from scoring.data import parts as part_files
from scoring.data.reject_examples import first_reject
from scoring.ledger import parts, result_target
from scoring.ledger.records import CommittedPart, Job, JobVerdict
from scoring.model.measure import labelled_pairs, pair_columns
from scoring.pipeline.context import Context
from scoring.pipeline.lease import Lease


def reach_verdict(
    context: Context, job: Job, committed: list[CommittedPart], lease: Lease
) -> tuple[JobVerdict, list[Figure]]:
    """The verdict over a job whose chunks have all settled, and its accuracy over the rows that were scored."""
    error_code, error = _fault(context, job, committed, lease)
    try:
        measured = _accuracy(context, job, committed, lease)
    except ChunkCorrupt as corrupt:
        lost = lost_part(corrupt)
        return JobVerdict(error_code=error_code or lost.code, error=error or str(lost)), []
    gate = _gate(job, measured)
    if error_code is None and gate is Gate.MISSED:
        values = {figure.metric: figure.value for figure in measured}
        missed = [r for r in job.options.require if not r.holds(values)]
        error_code = ErrorCode.GATE_MISSED
        error = "; ".join(f"required {r}, got {values.get(r.metric)}" for r in missed)
    return JobVerdict(error_code=error_code, error=error, gate=gate), measured


def lost_part(error: ChunkCorrupt) -> AccountingBroken:
    """What it means for the job that a committed file is neither staged nor public: no `retry` scores it again."""
    return AccountingBroken(
        error.message,
        expected=error.expected,
        got=error.got,
        remedy="submit the job again with --overwrite or another --output",
    )


def _fault(
    context: Context, job: Job, committed: list[CommittedPart], lease: Lease
) -> tuple[ErrorCode | None, str | None]:
    if job.error_code is not None:
        return job.error_code, job.error
    failed = context.ledger.look(lambda tx: parts.failed_chunks(tx, job.id))
    if failed:
        named = ", ".join(str(chunk) for chunk in failed[:10]) + (" …" if len(failed) > 10 else "")
        return ErrorCode.CHUNKS_FAILED, f"{len(failed)} of {job.chunks_total} chunks failed: {named}"
    rejected = sum(part.files.rows_rejected for part in committed)
    total = job.rows_total or 0
    if not job.options.max_rejected.allows(rejected, total):
        return ErrorCode.TOO_MANY_REJECTS, _too_many(job, committed, rejected, total)
    try:
        check_accounts(total, [_count(job, part, lease) for part in committed])
    except AccountingBroken as broken:
        return broken.code, str(broken)
    except ChunkCorrupt as corrupt:
        lost = lost_part(corrupt)
        return lost.code, str(lost)
    return _table_fault(context, job)


def _too_many(job: Job, committed: list[CommittedPart], rejected: int, total: int) -> str:
    limit = job.options.max_rejected
    said = f"{rejected} of {total} rows rejected, {limit} allowed"
    if not limit.none:
        return said
    first = next(part.files.rejects for part in committed if part.files.rejects is not None)
    return f"{said}; {first_reject(part_files.locate(Path(job.output), first))}"


def _table_fault(context: Context, job: Job) -> tuple[ErrorCode | None, str | None]:
    """A table that lost rows after their commit: every chunk has succeeded, and the job must not."""
    if job.result_table is not None:
        try:
            context.ledger.look(lambda tx: result_target.target_of(tx, job))
        except TableRefused as refused:
            return refused.code, str(refused)
    return None, None


def _count(job: Job, part: CommittedPart, lease: Lease) -> ChunkCount:
    lease.check()
    rejects = part.files.rejects
    return ChunkCount(
        chunk=part.chunk.chunk,
        first_row=part.chunk.first_row,
        rows=part.chunk.rows,
        scored=_rows_in(job, part.files.part),
        rejected=_rows_in(job, rejects) if rejects is not None else 0,
    )


def _rows_in(job: Job, file: StagedFile) -> int:
    output = Path(job.output)
    path = part_files.locate(output, file)
    # A public file is held against its digest once more when it is promoted, unless the last result may have one of
    # its name; a staged one is then moved as it stands.
    if job.options.overwrite or path == output / file.staged or not path.exists():
        part_files.require_committed(path, file)
    return part_files.footer_rows(path)


def _accuracy(context: Context, job: Job, committed: list[CommittedPart], lease: Lease) -> list[Figure]:
    stored = context.ledger.look(lambda tx: list(parts.sums(tx, job.id)))
    if not stored:
        return []
    sums: Sums = reduce(merge, map(from_bytes, stored))
    sums = exact_auc(sums, _pairs(job, committed, lease))
    return figures(sums, sum(part.files.rows_scored for part in committed))


def _pairs(job: Job, committed: list[CommittedPart], lease: Lease) -> Iterator[Pair]:
    """Scores and truths read back from the parts, one part at a time; only asked for where the bins are too coarse."""
    columns = pair_columns(job.binding)
    for part in committed:
        lease.check()
        path = part_files.locate(Path(job.output), part.files.part)
        yield labelled_pairs(part_files.read_part(path, columns), job.binding)


def _gate(job: Job, measured: list[Figure]) -> Gate | None:
    if not job.options.require:
        return None
    values = {figure.metric: figure.value for figure in measured}
    held = all(requirement.holds(values) for requirement in job.options.require)
    return Gate.PASSED if held else Gate.MISSED
