"""`scoring gc`: batches that their schedule no longer keeps go, files, tables and rows together.

A job is marked first; then its rows in a result table go, which a reader may keep, then its files, then its rows in
the ledger: whatever breaks this off, the next run finds the mark and the rows, and goes on.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from scoring.core.errors import LedgerAway, ScoringError
from scoring.core.ids import JobId, is_job_id
from scoring.core.schedules.keep import Keep
from scoring.data.remains import (
    Remains,
    file_clock,
    folder_remains,
    in_sight,
    result_remains,
    staged_remains,
    touched,
    users_table,
)
from scoring.ledger import result_tables, retention, schedules
from scoring.ledger.clock import read_clock
from scoring.ledger.records import Job
from scoring.pipeline import model_store
from scoring.pipeline.context import Context

LEASES_AT_REST = 2
"""An attempt that has lost its lease ends within one; so long after the end of a job nothing writes for it."""


@dataclass(frozen=True, kw_only=True)
class Swept:
    """What went, or would go, of one schedule; or leftovers of jobs, of whatever schedule."""

    schedule: str | None
    jobs: tuple[str, ...]
    files: int
    bytes: int
    # What was left, and why.
    notes: tuple[str, ...] = ()
    # Errors that kept something from going.
    errors: tuple[ScoringError, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "schedule": self.schedule,
            "jobs": list(self.jobs),
            "files": self.files,
            "bytes": self.bytes,
            "notes": [*self.notes, *map(str, self.errors)],
        }


def sweep(
    context: Context,
    *,
    leftovers_seconds: float,
    dry_run: bool = False,
    clock: Callable[[Path], float] = file_clock,
) -> Iterator[Swept]:
    """One record for each schedule that has something to lose, then one for leftovers older than that, if any.

    clock: of the file system of a folder. Errors of single jobs are in the records; the next run tries again.
    """
    now = context.ledger.look(read_clock)
    at_rest = now - timedelta(seconds=LEASES_AT_REST * context.settings.lease_seconds)
    for schedule, jobs in _going(context, now, at_rest).items():
        yield _purge_all(context, schedule, jobs, None if dry_run else at_rest)
    age = _Age(
        ended=now - timedelta(seconds=leftovers_seconds),
        touched=clock(context.settings.store) - leftovers_seconds if context.settings.store.is_dir() else 0.0,
    )
    leftovers = _sweep_leftovers(context, age, dry_run=dry_run)
    if leftovers.jobs or leftovers.files or leftovers.errors:
        yield leftovers


def _going(context: Context, now: datetime, at_rest: datetime) -> dict[str, list[Job]]:
    """Jobs to purge by schedule: those whose purge was broken off, and those that `keep` lets go of."""
    going: dict[str, list[Job]] = {}
    for job in context.ledger.look(retention.half_purged):
        going.setdefault(str(job.schedule), []).append(job)
    for schedule in context.ledger.look(schedules.all_schedules):
        if schedule.definition.keep is not None:
            keep = Keep.parse(schedule.definition.keep)
            ask = partial(retention.expired, schedule=schedule.name, keep=keep, now=now, ended_before=at_rest)
            going.setdefault(schedule.name, []).extend(context.ledger.look(ask))
    return {name: jobs for name, jobs in going.items() if jobs}


def _purge_all(context: Context, schedule: str, jobs: Sequence[Job], at_rest: datetime | None) -> Swept:
    tally = _Tally()
    for job in jobs:
        output = Path(job.output)
        if not in_sight(output):
            tally.notes.append(f"job {job.id} is left: {output} is not in sight of this host")
            continue
        if users_table(output):
            tally.notes.append(f"job {job.id}: its Delta table {output} is left: a user has committed to it")
        with tally.errors_kept():
            if at_rest is None:
                tally.add(job.id, _remains(context, job).sizes())
            elif _marked(context, job, at_rest):
                tally.add(job.id, _purge(context, job))
    return tally.swept(schedule)


def _marked(context: Context, job: Job, at_rest: datetime) -> bool:
    """False where the job was revived meanwhile, or another process has marked it."""
    mark = partial(retention.purge, job_id=job.id, ended_before=at_rest)
    return job.purged_at is not None or context.ledger.run(mark)


def _purge(context: Context, job: Job) -> list[int]:
    """Take the rows and files of a marked job; bytes of each file. What is its own is told after the mark."""
    remains = _remains(context, job)
    sizes = remains.sizes()
    context.ledger.run(lambda tx: result_tables.drop_rows(tx, job))
    remains.remove()
    while context.ledger.run(lambda tx: retention.drop_rows(tx, job.id)):
        pass
    return sizes


def _remains(context: Context, job: Job) -> Remains:
    return result_remains(Path(job.output), job.id, context.work_folder(job.id), _labels(context, job.id))


def _labels(context: Context, job_id: str) -> Path:
    return context.settings.store / "labels" / job_id


@dataclass(frozen=True, kw_only=True)
class _Age:
    """What is older than this may go. Two clocks tell it, and neither knows of the other."""

    # Of jobs: when they ended, by the ledger.
    ended: datetime
    # Of files that no row names: when they were last written to, by their file system; seconds since 1970.
    touched: float


def _sweep_leftovers(context: Context, before: _Age, *, dry_run: bool) -> Swept:
    """Files that nothing needs, older than that: of jobs that are over, of submits that came to nothing, and
    those of models that no version names.
    """
    tally = _Tally()
    for job_id, remains in _leftovers(context, before):
        with tally.errors_kept():
            sizes = remains.sizes()
            if not dry_run:
                remains.remove()
            tally.add(job_id, sizes)
    for path in model_store.unnamed(context, before.touched):
        with tally.errors_kept():
            sizes = model_store.sizes(path)
            if not dry_run:
                model_store.drop_if_unnamed(context, path)
            tally.add(None, sizes)
    return tally.swept(None)


def _leftovers(context: Context, before: _Age) -> Iterator[tuple[JobId, Remains]]:
    work = context.settings.store / "work"
    folders = {path.name: path for path in work.iterdir()} if work.is_dir() else {}
    over = dict(context.ledger.look(partial(retention.ended, before=before.ended)))
    for job_id, output in over.items():
        for remains in (staged_remains(Path(output), job_id), folder_remains(folders.get(job_id))):
            if remains.folders:
                yield job_id, remains
    known = context.ledger.look(partial(retention.known, ids=list(folders)))
    for name, folder in folders.items():
        # A submit keeps its standard input before it has a row.
        if is_job_id(name) and name not in known and touched(folder) < before.touched:
            yield JobId(name), folder_remains(folder)


class _Tally:
    """What went so far."""

    def __init__(self) -> None:
        self._jobs: dict[str, None] = {}
        self._sizes: list[int] = []
        self._errors: list[ScoringError] = []
        self.notes: list[str] = []

    def add(self, job_id: str | None, sizes: Sequence[int]) -> None:
        if job_id is not None:
            self._jobs[job_id] = None
        self._sizes += sizes

    @contextmanager
    def errors_kept(self) -> Iterator[None]:
        """One job that cannot go keeps no other."""
        try:
            yield
        except LedgerAway:
            raise
        except ScoringError as error:
            self._errors.append(error)

    def swept(self, schedule: str | None) -> Swept:
        return Swept(
            schedule=schedule,
            jobs=tuple(self._jobs),
            files=len(self._sizes),
            bytes=sum(self._sizes),
            notes=tuple(self.notes),
            errors=tuple(self._errors),
        )
