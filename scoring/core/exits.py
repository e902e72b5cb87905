"""The exit code that says how a job ended."""

from scoring.core.errors import ErrorCode, ExitCode
from scoring.core.states import JobState

INPUT_CODES = frozenset(
    {
        ErrorCode.INPUT_REFUSED,
        ErrorCode.INPUT_CHANGED,
        ErrorCode.INPUT_MISSING,
        ErrorCode.MODEL_REFUSED,
        ErrorCode.OUTPUT_REFUSED,
    }
)
"""Codes of a job whose input, model or output was at fault; a model that fails chunks shows as ``chunks_failed``."""


def exit_code(state: JobState, code: ErrorCode | None) -> int:
    """Exit code for a settled job (CONTRACT: error codes). Raises ValueError for one that is still live."""
    match state:
        case JobState.SUCCEEDED:
            return ExitCode.GATE_MISSED if code is ErrorCode.GATE_MISSED else ExitCode.SUCCEEDED
        case JobState.CANCELLED:
            return ExitCode.CANCELLED
        case JobState.FAILED:
            return ExitCode.INPUT_REFUSED if code in INPUT_CODES else ExitCode.JOB_FAILED
    raise ValueError(f"a job that is {state} has no verdict yet")


def fate(state: JobState, code: ErrorCode | None) -> str:
    """How a settled job ended, as the end of a sentence that begins with the job."""
    if code is ErrorCode.GATE_MISSED:
        return "succeeded, but missed a gate"
    return f"is {state} ({code})" if code is not None and state is JobState.FAILED else f"is {state}"
