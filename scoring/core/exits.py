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
    """How a job ended, as the end of a sentence that begins with the job."""
    match state:
        case JobState.SUCCEEDED:
            return "succeeded, but missed a gate" if code is ErrorCode.GATE_MISSED else "succeeded"
        case JobState.FAILED:
            return f"failed ({code})"
        case JobState.CANCELLED:
            return "was cancelled"
    return f"is {state}"
