"""Accept a job: check all that can be seen, pin the model, write the row, ring the bell."""

import hashlib
import json
import os
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from scoring.core.errors import InputRefused, NotFound, OutputRefused
from scoring.core.ids import new_job_id
from scoring.data.outputs import check_output
from scoring.data.storage import free_bytes
from scoring.failpoints import reach
from scoring.ledger import jobs, models
from scoring.ledger.database import OutcomeUnknown, Tx
from scoring.ledger.records import FLEET, Job, NewJob
from scoring.pipeline.context import Context
from scoring.pipeline.parity import require_proof
from scoring.pipeline.plan import disk_bytes
from scoring.pipeline.planned_table import planned_table
from scoring.pipeline.prepare import STDIN, JobRequest, prepare
from scoring.pipeline.publish import ring_due
from scoring.pipeline.registry import register


@dataclass(frozen=True, kw_only=True)
class Submitted:
    job: Job
    # False: the idempotency key names a job that exists already.
    created: bool
    # False: the broker could not be reached; a scheduler rings the job later.
    rung: bool


def submit(context: Context, request: JobRequest, *, runner: str = FLEET, ring: bool = True) -> Submitted:
    """Record one job and ring its split.

    Raises UsageError, NotFound, InputRefused and its kin; then nothing was written but the model's copy.
    """
    made = draft(context, request, runner=runner)
    reach("submit.record")
    try:
        job = context.ledger.run_once(lambda tx: record(tx, made), lambda tx: _recorded(tx, made))
    except OutcomeUnknown as error:
        raise _in_doubt(made, error) from error
    reach("submit.recorded")
    created = isinstance(made, NewJob) and job.id == made.id
    return Submitted(job=job, created=created, rung=ring_due(context) if ring and created else True)


def draft(
    context: Context,
    request: JobRequest,
    *,
    runner: str = FLEET,
    schedule: str | None = None,
    slot: datetime | None = None,
) -> NewJob | Job:
    """The job, checked whole and ready for `record`; or the one that its idempotency key names already.

    Raises as `submit` does.
    """
    request = _absolute(request)
    digest = definition_digest(request)
    key = request.options.idempotency_key
    if key is not None:
        existing = context.ledger.run(lambda tx: jobs.find_by_key(tx, key, digest))
        if existing is not None:
            return existing
    return replace(_new_job(context, request, digest, runner), schedule=schedule, slot=slot)


def record(tx: Tx, made: NewJob | Job) -> Job:
    """Nothing → ACCEPTED. Another submit with the same key may have been faster: then that one's job.

    Raises NotFound where the model was removed meanwhile.
    """
    if isinstance(made, Job):
        return made
    models.hold(tx, made.model_version_id)
    return jobs.insert_job(tx, made)


def _recorded(tx: Tx, made: NewJob | Job) -> Job | None:
    try:
        return jobs.job(tx, made.id)
    except NotFound:
        return None


def _in_doubt(made: NewJob | Job, error: OutcomeUnknown) -> OutcomeUnknown:
    return OutcomeUnknown(
        "nobody knows whether the job was recorded",
        expected="an answer of the ledger",
        got=error.got,
        remedy=f"once the ledger is back `scoring status {made.id}` tells; submit again only if there is no such job",
    )


def definition_digest(request: JobRequest) -> str:
    """SHA-256 over the arguments as written, paths absolute: what makes two submits with one key the same job."""
    options = {name: value for name, value in request.options.to_json().items() if name != "idempotency_key"}
    definition = {"model": request.model, "inputs": request.inputs, "options": options}
    return hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()


def _absolute(request: JobRequest) -> JobRequest:
    options = request.options
    if options.output is not None and "://" in options.output:
        raise OutputRefused(
            f"cannot write to {options.output}",
            expected="a folder",
            got="a URL",
            remedy="write to a folder that all hosts see; object stores are not written to yet",
        )
    # By its real path: a folder and a link to it are one output.
    output = os.path.realpath(options.output) if options.output is not None else None
    return replace(
        request,
        inputs=tuple(_absolute_input(argument) for argument in request.inputs),
        options=replace(options, output=output),
    )


def _absolute_input(argument: str) -> str:
    if argument == STDIN or "://" in argument:
        return argument
    if argument.startswith("@") and not Path(argument).exists():
        return "@" + _absolute_path(argument[1:])
    return _absolute_path(argument)


def _absolute_path(path: str) -> str:
    return os.path.abspath(path)  # noqa: PTH100  # links stay links: the user's name of the folder is the one we show


def _new_job(context: Context, request: JobRequest, digest: str, runner: str) -> NewJob:
    job_id = new_job_id()
    options = request.options
    prepared = prepare(context, request, stdin_to=context.work_folder(job_id) / "stdin.csv")
    output = options.output or str(context.settings.store / "results" / job_id)
    check_output(Path(output), job_id=job_id, overwrite=options.overwrite, roots=context.settings.output_roots)
    _check_disk(Path(output), disk_bytes(prepared))
    table = planned_table(context, prepared)
    version = register(context, prepared.model)
    if prepared.binding.hook is None or not context.settings.deployed:
        require_proof(context, version)  # else the workers check: this host need not have the prepare function
    return NewJob(
        id=job_id,
        runner=runner,
        model_version_id=version.id,
        inputs=prepared.files,
        options=prepared.options,
        binding=prepared.binding,
        definition_sha256=digest,
        idempotency_key=options.idempotency_key,
        chunk_rows=prepared.chunk_rows,
        whole_groups=prepared.whole_groups,
        output=output,
        max_failures=context.settings.max_attempts,
        rows_expected=min(prepared.source.rows, options.limit or prepared.source.rows),
        result_table=table,
    )


def _check_disk(output: Path, needed: int) -> None:
    free = free_bytes(output)
    if free < needed:
        raise InputRefused(
            f"the disk of {output} is too small for the result",
            expected=f"about {needed:,} bytes",
            got=f"{free:,} bytes free",
            remedy="free some space, or give another --output",
        )
