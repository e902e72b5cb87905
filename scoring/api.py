"""The same verbs for a Python program: run, submit, and a Job to ask.

Each call opens the ledger that the settings name, does its work, and closes it again: a Job holds its id and nothing
else, and may be kept, pickled or made anew in another process.
"""

import os
import re
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scoring.core.arguments import job_options
from scoring.core.errors import ErrorCode, ExitCode, InputMissing, ScoringError, UsageError, WaitTimedOut
from scoring.core.exits import exit_code, fate
from scoring.core.ids import JobId
from scoring.core.states import JobState
from scoring.settings import load_settings

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.dataset as ds

    from scoring.ledger.database import Ledger
    from scoring.ledger.records import Job as JobRecord
    from scoring.pipeline.context import Context
    from scoring.pipeline.prepare import JobRequest

StrPath = str | os.PathLike[str]

LOOK_SECONDS = 0.5
_WHOLE_ID = re.compile(r"[0-9a-f]{16}")


class JobFailed(ScoringError):
    """A job that did not succeed. `exit_code` is the one of the command line (CONTRACT section 3)."""


class Job:
    """A job of the ledger; every method asks it anew."""

    def __init__(self, id: str) -> None:
        """id: whole, a unique prefix of 4 characters or more, or `last`, which means the last one of this moment.

        A whole id is not looked up before a method is called. Raises NotFound, UsageError where a prefix fits several.
        """
        self.id = JobId(id) if _WHOLE_ID.fullmatch(id) else _find(id)

    def __repr__(self) -> str:
        return f"Job({self.id!r})"

    def status(self) -> dict[str, Any]:
        """The columns of `job_progress`, with `metrics` {name: value} and `tags`; times are aware datetimes."""
        from scoring.ledger import reports

        with _ledger() as ledger:
            return ledger.look(lambda tx: reports.job_facts(tx, self.id))

    def wait(self, timeout: float | None = None) -> "Job":
        """Wait until the job has ended; starts no worker. A restart of the ledger is waited out.

        timeout: seconds. Raises WaitTimedOut, LedgerAway where the ledger stays away for a minute, and JobFailed unless
        the job succeeded and met its gate.
        """
        from scoring.pipeline.patience import ask_patiently

        ends = time.monotonic() + (timeout if timeout is not None else float("inf"))
        while True:
            facts = ask_patiently(self._progress, pause=LOOK_SECONDS, ends=ends)
            if JobState(facts["state"]).settled:
                break
            left = ends - time.monotonic()
            if left <= 0:
                raise WaitTimedOut(f"job {self.id} has not ended", got=facts["state"], remedy="it goes on by itself")
            time.sleep(min(LOOK_SECONDS, left))
        _raise_for(facts)
        return self

    def results(self) -> "ds.Dataset":
        """The rows of the finished parts, in input order, without loading them. Raises InputMissing where none is."""
        from scoring.ledger import jobs
        from scoring.pipeline.results import job_rows

        with _ledger() as ledger:
            job = ledger.look(lambda tx: jobs.job(tx, self.id))
        rows = job_rows(job)
        if rows is None:
            raise InputMissing(f"job {self.id} has no row yet", got=str(job.state), remedy="wait() for it")
        return rows

    def to_pandas(self) -> "pd.DataFrame":
        """All rows as one DataFrame: they must fit into memory."""
        return self.results().to_table().to_pandas()

    def accuracy(self) -> list[dict[str, Any]]:
        """One dict per metric: metric, value, rows, coverage, reason, bound, detail; empty without a label."""
        from scoring.ledger import reports

        with _ledger() as ledger:
            return ledger.look(lambda tx: reports.job_figures(tx, self.id))

    def labels(self, file: StrPath, *, key: str, label: str, **csv: Any) -> dict[str, Any]:
        """Attach ground truth that came later; accuracy is recomputed. Gives what `scoring labels --json` prints.

        file: CSV, Parquet or JSON lines. key: a column of the file and of the result, or "_row". csv: how a CSV file is
        written, as for `run`, such as delimiter=";". Raises UsageError, InputRefused and its kin.
        """
        from scoring.data.label_files import LabelColumns
        from scoring.pipeline.label import attach
        from scoring.pipeline.label_source import LabelRequest

        columns = LabelColumns(key=key, label=label)
        request = LabelRequest(file=os.fspath(file), columns=columns, dialect=job_options(**csv).dialect)
        with _context() as context:
            return attach(context, self.id, request).facts()

    def failures(self) -> dict[str, list[dict[str, Any]]]:
        """`attempts`: the rows of `job_failures`; `rejects`, `warnings`: code, column_name, rows, most rows first."""
        from scoring.ledger import reports

        with _ledger() as ledger:
            return {
                "attempts": ledger.look(lambda tx: reports.failed_attempts(tx, self.id)),
                "rejects": ledger.look(lambda tx: reports.reject_totals(tx, self.id)),
                "warnings": ledger.look(lambda tx: reports.warning_totals(tx, self.id)),
            }

    def audit(self) -> dict[str, Any]:
        """Prove the job again, once it has ended; what `scoring audit --json` prints. Reads all of its files.

        Raises UsageError where the job is live, was purged, or a later job has replaced its result.
        """
        from scoring.pipeline.audit import audit

        with _ledger() as ledger:
            return audit(ledger, self.id).to_json()

    def cancel(self) -> bool:
        """Stop the job for good; finished parts stay. False where it had ended, or has its verdict already."""
        from scoring.ledger.records import CancelResult
        from scoring.pipeline import control
        from workers.embedded import run_embedded

        with _context() as context:
            stopped = control.cancel(context, self.id) is CancelResult.CANCELLED
            if stopped and not _is_of_workers(context, self._read(context)):
                with suppress(UsageError):  # the process that works on it is alive, and does its last step
                    run_embedded(context, self.id, resumed=False)
        return stopped

    def retry(self) -> "Job":
        """Open a new round of a failed job: what succeeded stays, the rest is scored again.

        The job of a deployment goes back to the workers: wait() for it. Any other is done here and now, with the
        errors of `run`. Raises UsageError where the job has not failed.
        """
        from scoring.pipeline import control
        from workers.embedded import run_embedded

        with _context() as context:
            if _is_of_workers(context, control.retry(context, self.id)):
                return self
            run_embedded(context, self.id, resumed=False)
        _raise_for(self.status())
        return self

    def _progress(self) -> dict[str, Any]:
        from scoring.ledger import reports

        with _ledger() as ledger:
            return ledger.look(lambda tx: reports.job_progress(tx, self.id))

    def _read(self, context: "Context") -> "JobRecord":
        from scoring.ledger import jobs

        return context.ledger.look(lambda tx: jobs.job(tx, self.id))


def run(
    model: StrPath,
    inputs: StrPath | Sequence[StrPath],
    *,
    output: StrPath | None = None,
    workers: int | None = None,
    stop: threading.Event | None = None,
    **options: Any,
) -> Job:
    """Score files here and now; returns the job once it has succeeded.

    options: those of `scoring run` with `_` for `-`, such as key="id", label="churned", max_rejected="1%".
    workers: chunks scored at once (default: usable cores). stop: once set, the job is left to be resumed.
    Raises UsageError, NotFound, InputRefused before anything is scored; Interrupted; JobFailed with the verdict.
    """
    from scoring.pipeline.submit import submit as record
    from workers.embedded import run_or_wait

    request = _request(model, inputs, output, options)
    with _context() as context:
        job = record(context, request, runner=f"here:{socket.gethostname()}", ring=False).job
        if not job.state.settled and not _is_of_workers(context, job):
            run_or_wait(context, job.id, slots=workers, stop=stop)
    return Job(job.id).wait()


def submit(
    model: StrPath, inputs: StrPath | Sequence[StrPath], *, output: StrPath | None = None, **options: Any
) -> Job:
    """Record a job for the workers of the deployment and return at once. Options and errors as for `run`."""
    from scoring.pipeline.submit import submit as record

    request = _request(model, inputs, output, options)
    with _context() as context:
        return Job(record(context, request, ring=context.settings.deployed).job.id)


def sql(query: str, /, **parameters: object) -> "pa.Table":
    """The answer to one SELECT over the views and the results (docs/sql.md); it must fit into memory.

    parameters: the values of `$name`, of any type that DuckDB knows. Raises UsageError for a refused query, NotFound,
    InputMissing where a result is not whole.
    """
    import pyarrow as pa

    from scoring.data.spill import spill_folder
    from scoring.pipeline.query import query as ask
    from scoring.query.engine import QueryLimits

    with (
        _ledger() as ledger,
        spill_folder(load_settings().home) as spill,
        ask(ledger, query, QueryLimits(spill=spill), parameters) as rows,
    ):
        return pa.Table.from_batches(rows.batches, rows.schema)


def _request(
    model: StrPath, inputs: StrPath | Sequence[StrPath], output: StrPath | None, options: dict[str, Any]
) -> "JobRequest":
    from scoring.pipeline.prepare import JobRequest

    given = (inputs,) if isinstance(inputs, str | os.PathLike) else inputs
    checked = job_options(output=None if output is None else os.fspath(output), **options)
    return JobRequest(model=_path(model), inputs=tuple(os.fspath(item) for item in given), options=checked)


def _path(model: StrPath) -> str:
    # A Path is a path even where it has no separator; a str may be a name.
    return str(model.absolute()) if isinstance(model, Path) else os.fspath(model)


def _find(reference: str) -> JobId:
    from scoring.ledger import jobs

    with _ledger() as ledger:
        return ledger.look(lambda tx: jobs.find_job(tx, reference)).id


def _is_of_workers(context: "Context", job: "JobRecord") -> bool:
    from scoring.ledger.records import FLEET

    return job.runner == FLEET and context.settings.deployed


def _raise_for(facts: dict[str, Any]) -> None:
    code = ErrorCode(facts["error_code"]) if facts["error_code"] else None
    result = exit_code(JobState(facts["state"]), code)
    if result != ExitCode.SUCCEEDED:
        error = JobFailed(f"job {facts['job_id']} {fate(JobState(facts['state']), code)}", got=facts["error"] or "")
        error.exit_code = result
        raise error


@contextmanager
def _ledger() -> Iterator["Ledger"]:
    from scoring.ledger.database import Ledger

    ledger = Ledger.open(load_settings().database_url)
    try:
        yield ledger
    finally:
        ledger.close()


@contextmanager
def _context() -> Iterator["Context"]:
    from workers.process import open_context

    context = open_context(load_settings())
    try:
        yield context
    finally:
        context.ledger.close()
