"""What came of one attempt at a step: every error of any layer becomes one of these, at one place."""

from dataclasses import dataclass
from enum import StrEnum

from scoring.core.errors import (
    ErrorCode,
    InputNotVisible,
    InputRefused,
    LeaseLost,
    LedgerAway,
    OutOfMemory,
    Permanent,
    PrepareNotHere,
    Retryable,
    ScoringError,
    StorageFault,
)
from scoring.core.masking import mask


class Verdict(StrEnum):
    """What the ledger does with the step."""

    COMPLETED = "completed"
    RETRYABLE = "retryable"  # another attempt, if the budget allows
    PERMANENT = "permanent"  # the step fails at once
    RELEASED = "released"  # handed back: no failure counted
    LEASE_LOST = "lease_lost"  # somebody else's: touch nothing


@dataclass(frozen=True, kw_only=True)
class Outcome:
    verdict: Verdict
    code: ErrorCode | None = None
    error: str = ""
    # True: the error says that no other chunk of the job can be right either.
    stops_job: bool = False
    # False: a failure that counts against no budget.
    charged: bool = True


ERROR_CHARACTERS = 2_000


def judge(error: BaseException) -> Outcome:
    """Sort an exception by class: retryable or permanent is a property of the error, not of the place."""
    text = clean(mask(str(error) or type(error).__name__))
    match error:
        case LeaseLost():
            return Outcome(verdict=Verdict.LEASE_LOST, code=error.code, error=text)
        case InputNotVisible() | PrepareNotHere() | LedgerAway():
            return Outcome(verdict=Verdict.RELEASED, code=error.code, error=text)
        case Retryable():
            return Outcome(verdict=Verdict.RETRYABLE, code=error.code, error=text)
        case InputRefused():
            return Outcome(verdict=Verdict.PERMANENT, code=error.code, error=text, stops_job=True)
        case Permanent():
            return Outcome(verdict=Verdict.PERMANENT, code=error.code, error=text)
        case MemoryError():
            return Outcome(verdict=Verdict.RETRYABLE, code=OutOfMemory.code, error=text)
        case OSError():
            return Outcome(verdict=Verdict.RETRYABLE, code=StorageFault.code, error=text)
        case ScoringError():
            return Outcome(verdict=Verdict.PERMANENT, code=error.code, error=text)
        case _:
            name = type(error).__name__
            return Outcome(verdict=Verdict.RETRYABLE, code=ErrorCode.INTERNAL, error=f"{name}: {text}")


def clean(text: str) -> str:
    """Text that every database takes and no terminal obeys: control characters escaped, cut to a page."""
    return escaped(text[:ERROR_CHARACTERS])


def escaped(text: str) -> str:
    """All of the text, with what a terminal would obey or a database refuse as ``\\x`` and a number."""
    known = text.encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() or c in "\n\t" else f"\\x{ord(c):02x}" for c in known)
