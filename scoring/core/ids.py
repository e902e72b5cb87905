"""Names of things. Ids are random: whoever sees one learns nothing about the others, not even the order."""

import secrets
from dataclasses import dataclass
from typing import NewType

from scoring.core.states import StepKind

JobId = NewType("JobId", str)
"""16 hexadecimal digits."""

NO_CHUNK = -1
"""The chunk number of a step that has no chunk (split, finalize)."""


def new_job_id() -> JobId:
    return JobId(secrets.token_hex(8))


def is_job_id(text: str) -> bool:
    """True where it may be one, of whatever ledger."""
    return len(text) == 16 and set(text) <= set("0123456789abcdef")


@dataclass(frozen=True, order=True)
class StepId:
    """The key of one step: all that a message carries beside its version."""

    job_id: JobId
    kind: StepKind
    chunk: int = NO_CHUNK

    def __str__(self) -> str:
        return f"{self.job_id}/{self.kind}" + (f"/{self.chunk}" if self.kind is StepKind.SCORE else "")
