"""One check of `scoring doctor`, and what it found."""

from dataclasses import asdict, dataclass
from enum import StrEnum

from scoring.core.errors import ExitCode, ScoringError
from scoring.core.masking import mask


class Status(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Check:
    name: str
    status: Status
    message: str
    remedy: str = ""
    # Of the command, where this check failed.
    exit_code: int = ExitCode.USAGE

    def to_json(self) -> dict[str, object]:
        return {name: value for name, value in asdict(self).items() if name != "exit_code"}


def passed(name: str, message: str) -> Check:
    return Check(name=name, status=Status.OK, message=message)


def warning(name: str, message: str, remedy: str) -> Check:
    return Check(name=name, status=Status.WARNING, message=message, remedy=remedy)


def failed(name: str, error: ScoringError) -> Check:
    message = "; ".join(filter(None, [error.message, error.got and f"got {error.got}"]))
    return Check(name=name, status=Status.FAILED, message=mask(message), remedy=error.remedy, exit_code=error.exit_code)
