"""Jobs: their birth, and the questions asked of them. What ends or revives them stands in `verdicts`."""

from datetime import datetime

from sqlalchemy import BigInteger, Text, bindparam, case, func, insert, select, true, update

from scoring.core.errors import NotFound, TooManyJobs, UsageError
from scoring.core.ids import NO_CHUNK, JobId
from scoring.core.limits import MAX_LIVE_JOBS
from scoring.core.states import JobState, Priority, StepKind, StepState
from scoring.ledger.clock import microseconds, now_us
from scoring.ledger.database import Tx, insert_or_nothing
from scoring.ledger.job_rows import job_of, no_job, read_job, row_of, select_jobs
from scoring.ledger.output_claims import holder, refused
from scoring.ledger.records import FLEET, CancelResult, Job, NewJob
from scoring.ledger.reject_limit import stop_over_limit
from scoring.ledger.result_tables import make_ready
from scoring.ledger.tables import jobs, model_versions, steps
from scoring.ledger.verdicts import begin_finalizing, cancel, retry, settle, stop

__all__ = [
    "CancelResult",
    "adopt",
    "begin_finalizing",
    "cancel",
    "find_by_key",
    "find_job",
    "insert_job",
    "job",
    "of_slot",
    "pin_micro_batch",
    "retry",
    "running",
    "settle",
    "stop",
    "stop_over_limit",
    "unfinished",
]

LAST = "last"
PREFIX_CHARACTERS = 4

_BY_KEY = select_jobs().where(jobs.c.idempotency_key == bindparam("p_key"))
_BY_SLOT = select_jobs().where(
    jobs.c.schedule == bindparam("p_schedule", type_=Text), jobs.c.slot == bindparam("p_slot", type_=BigInteger)
)

_URGENCY = case({priority.value: place for place, priority in enumerate(Priority)}, value=jobs.c.priority)


def insert_job(tx: Tx, new: NewJob) -> Job:
    """Nothing → ACCEPTED, with its split step due now and its finalize step waiting.

    With an idempotency key or a slot that has its job: that job. Raises UsageError where the one with the key was
    defined otherwise, TooManyJobs where too many submitted ones are live, OutputRefused where a live job holds the
    output.
    """
    full = _full(tx) if new.runner == FLEET else None
    if full is not None:
        existing = _twin(tx, new)
        if existing is None:
            raise full
        return existing
    statement, row = insert_or_nothing(tx, jobs).returning(jobs.c.number), row_of(new)
    while True:
        # The clock is read per try: a try may wait for the transaction that stands in its way.
        if tx.execute(statement.values(**row, submitted_at=now_us())).one_or_none() is not None:
            _insert_steps(tx, new)
            if new.result_table is not None:
                make_ready(tx, new.result_table, read_job(tx, new.id))
            return read_job(tx, new.id)
        existing = _twin(tx, new)
        if existing is not None:
            return existing
        held_by = holder(tx, new.output)
        if held_by is not None:
            raise refused(new.output, held_by)
        # What stood in the way has gone since: try again.


def _full(tx: Tx) -> TooManyJobs | None:
    live = select(jobs.c.job_id).where(jobs.c.output_held == true(), jobs.c.runner == FLEET).limit(MAX_LIVE_JOBS)
    found = int(tx.execute(select(func.count()).select_from(live.subquery())).scalar_one())
    if found < MAX_LIVE_JOBS:
        return None
    return TooManyJobs(
        "too many jobs wait or run",
        expected=f"at most {MAX_LIVE_JOBS:,} submitted jobs that have not ended",
        got=f"{found:,}",
        remedy="wait for some of them to end, or cancel them: does something submit in a loop?",
    )


def _twin(tx: Tx, new: NewJob) -> Job | None:
    if new.idempotency_key is not None:
        existing = find_by_key(tx, new.idempotency_key, new.definition_sha256)
        if existing is not None:
            return existing
    values = row_of(new)
    row = tx.execute(_BY_SLOT, {"p_schedule": values["schedule"], "p_slot": values["slot"]}).one_or_none()
    return None if row is None else job_of(row)


def find_by_key(tx: Tx, key: str, definition_sha256: str) -> Job | None:
    """The job with this idempotency key. Raises UsageError where its definition is another one."""
    row = tx.execute(_BY_KEY, {"p_key": key}).one_or_none()
    if row is None:
        return None
    if row.definition_sha256 != definition_sha256:
        raise UsageError(
            f"idempotency key {key!r} is taken",
            expected=f"the definition of job {row.job_id} (sha256 {row.definition_sha256[:12]})",
            got=f"another one (sha256 {definition_sha256[:12]})",
            remedy="use another key, or repeat the arguments of that job",
        )
    return job_of(row)


def find_job(tx: Tx, ref: str) -> Job:
    """A job by id, by a unique prefix of 4 characters or more, or `last`. Raises NotFound, UsageError."""
    if ref == LAST:
        row = tx.execute(select_jobs().order_by(jobs.c.number.desc()).limit(1)).one_or_none()
        if row is None:
            raise NotFound("there is no job yet", expected="a job", remedy="`scoring run MODEL INPUT` makes one")
        return job_of(row)
    if len(ref) < PREFIX_CHARACTERS:
        raise no_job(ref)
    prefixed = select(jobs.c.job_id).where(jobs.c.job_id.startswith(ref, autoescape=True)).limit(10)
    found = sorted(tx.scalars(prefixed))
    if not found:
        raise no_job(ref)
    if len(found) > 1 and found[0] != ref:
        raise UsageError(
            f"{ref} fits several jobs", expected="a unique prefix", got=", ".join(found), remedy="give more characters"
        )
    return read_job(tx, JobId(found[0]))


def job(tx: Tx, job_id: JobId) -> Job:
    """The job as it stands. Raises NotFound."""
    return read_job(tx, job_id)


def of_slot(tx: Tx, schedule: str, slot: datetime) -> Job:
    """The job of a slot. Raises NotFound where it has none."""
    row = tx.execute(_BY_SLOT, {"p_schedule": schedule, "p_slot": microseconds(slot)}).one_or_none()
    if row is None:
        raise NotFound(f"no job of {schedule} for {slot.isoformat()}", remedy="`scoring schedule show` names its slots")
    return job_of(row)


def running(tx: Tx, *, scope: JobId | None = None) -> list[JobId]:
    """Jobs without a verdict yet, oldest first: all of the fleet, or the one of `scope`."""
    query = select(jobs.c.job_id).where(
        jobs.c.output_held == true(),
        jobs.c.state.in_([JobState.ACCEPTED.value, JobState.RUNNING.value]),
        jobs.c.runner == FLEET if scope is None else jobs.c.job_id == scope,
    )
    return [JobId(found) for found in tx.scalars(query.order_by(jobs.c.number))]


def unfinished(tx: Tx) -> list[JobId]:
    """Submitted jobs with something left to do, by priority, then oldest first.

    Finalizing ones too, and cancelled ones whose last step is due.
    """
    query = select(jobs.c.job_id).where(jobs.c.output_held == true(), jobs.c.runner == FLEET)
    return [JobId(found) for found in tx.scalars(query.order_by(_URGENCY, jobs.c.number))]


def adopt(tx: Tx, job_id: JobId, runner: str) -> Job:
    """Make `runner` the one who works on the job. The caller knows that the former one is dead.

    A submitted job stays one, whoever works on it: should that process die as well, the next worker finds the job.
    """
    own = update(jobs).where(jobs.c.job_id == job_id, jobs.c.runner != FLEET).values(runner=runner)
    if tx.execute(own).rowcount:
        tx.execute(update(steps).where(steps.c.job_id == job_id, steps.c.finished_at.is_(None)).values(runner=runner))
    return read_job(tx, job_id)


def pin_micro_batch(tx: Tx, job_id: JobId, rows: int) -> int:
    """Offer a measured micro-batch size; returns the one that counts: the first ever offered for the model."""
    version = select(jobs.c.model_version_id).where(jobs.c.job_id == job_id).scalar_subquery()
    pinned = select(model_versions.c.micro_batch_rows).where(model_versions.c.id == version).scalar_subquery()
    own = jobs.c.job_id == job_id
    tx.execute(
        update(model_versions)
        .where(model_versions.c.id == version, model_versions.c.micro_batch_rows.is_(None))
        .values(micro_batch_rows=rows)
    )
    tx.execute(update(jobs).where(own, jobs.c.micro_batch_rows.is_(None)).values(micro_batch_rows=pinned))
    return int(tx.execute(select(jobs.c.micro_batch_rows).where(own)).scalar_one())


def _insert_steps(tx: Tx, new: NewJob) -> None:
    step = {
        "job_id": new.id,
        "chunk": NO_CHUNK,
        "runner": new.runner,
        "priority": new.options.priority.value,
        "bytes": 0,
        "state": StepState.PENDING.value,
        "attempt": 0,
        "failures": 0,
        "rings": 0,
    }
    tx.execute(insert(steps).values(**step, kind=StepKind.SPLIT.value, due_at=now_us()))
    tx.execute(insert(steps).values(**step, kind=StepKind.FINALIZE.value))
