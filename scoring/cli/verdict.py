"""The last word of a command about a job: its facts on stdout, what went wrong on stderr, the exit code."""

from typing import TYPE_CHECKING

from scoring.cli.errors import show_error
from scoring.cli.output import Row, print_facts, print_json
from scoring.core.errors import ErrorCode, ExitCode, ScoringError
from scoring.core.exits import INPUT_CODES, exit_code, fate
from scoring.core.states import JobState

if TYPE_CHECKING:
    from scoring.core.ids import JobId
    from scoring.ledger.database import Ledger

SHOWN = (
    "job_id",
    "model",
    "version",
    "state",
    "gate",
    "rows_total",
    "rows_scored",
    "rows_rejected",
    "chunks_total",
    "chunks_done",
    "chunks_failed",
    "rows_per_second",
    "eta_seconds",
    "submitted_at",
    "finished_at",
    "output",
    "metrics",
    "tags",
    "warnings",
    "error_code",
    "error",
)
"""Columns of a job that a person is shown; `--json` has them all."""


AGAIN = (
    ErrorCode.CHUNKS_FAILED,
    ErrorCode.STORAGE,
    ErrorCode.TIMEOUT,
    ErrorCode.WORKER_LOST,
    ErrorCode.OUT_OF_MEMORY,
    ErrorCode.LEDGER_AWAY,
)
"""Failures that another round may not meet again."""


def job_facts(ledger: "Ledger", job_id: "JobId") -> Row:
    """The columns of `job_progress`, with `metrics` {name: value}, `tags` and `warnings` {code: values}."""
    from scoring.ledger import reports

    return ledger.look(lambda tx: reports.job_facts(tx, job_id))


def job_progress(ledger: "Ledger", job_id: "JobId") -> Row:
    """The columns of `job_progress` alone: what is asked again and again while a job runs."""
    from scoring.ledger import reports

    return ledger.look(lambda tx: reports.job_progress(tx, job_id))


def print_job(facts: Row, *, as_json: bool) -> None:
    if as_json:
        print_json(facts)
    else:
        print_facts({name: facts[name] for name in SHOWN})


def print_verdict(facts: Row, *, as_json: bool, facts_wanted: bool = True) -> int:
    """Print a settled job, on stderr why it did not succeed, and return its exit code."""
    if facts_wanted or as_json:
        print_job(facts, as_json=as_json)
    state, code = JobState(str(facts["state"])), _code(facts)
    result = exit_code(state, code)
    if result != ExitCode.SUCCEEDED:
        show_error(_as_error(facts, state, code))
    return result


def _code(facts: Row) -> ErrorCode | None:
    return ErrorCode(str(facts["error_code"])) if facts["error_code"] else None


def _as_error(facts: Row, state: JobState, code: ErrorCode | None) -> ScoringError:
    job_id = str(facts["job_id"])
    return ScoringError(
        f"job {job_id} {fate(state, code)}",
        expected="a job that succeeds",
        got=str(facts["error"] or state),
        remedy=_remedy(job_id, code),
    )


def _remedy(job_id: str, code: ErrorCode | None) -> str:
    if code is ErrorCode.MODEL_REFUSED:
        return "put right what is said of the model, then score again"
    if code in INPUT_CODES:
        return "correct the input and score it again"
    remedies = {
        ErrorCode.GATE_MISSED: f"scoring accuracy {job_id}; the result is whole and readable",
        ErrorCode.TOO_MANY_REJECTS: f"scoring failures {job_id}; correct the input, or raise --max-rejected",
        **dict.fromkeys(AGAIN, f"scoring failures {job_id}; then scoring retry {job_id}"),
        ErrorCode.CANCELLED: "score it again; a cancelled job stays cancelled",
    }
    return remedies.get(code, f"scoring failures {job_id}") if code else f"scoring status {job_id}"
