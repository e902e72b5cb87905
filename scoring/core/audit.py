"""What an audit of a settled job finds: one check per promise, each with its own words."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from scoring.core.ids import JobId
from scoring.core.states import JobState

SHOWN = 3
"""Findings of one check that its message names; the others are counted."""


class CheckStatus(StrEnum):
    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"  # the job has nothing of the kind


@dataclass(frozen=True, kw_only=True)
class AuditCheck:
    """One promise, and whether it holds."""

    name: str
    status: CheckStatus
    # What was found to be so; else what differs: what was expected, what came, and where.
    message: str


class Findings:
    """Collects what differs from one promise."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._said: list[str] = []
        self._count = 0

    @property
    def none(self) -> bool:
        return self._count == 0

    def add(self, finding: str) -> None:
        self._count += 1
        if self._count <= SHOWN:
            self._said.append(finding)

    def expect(self, what: str, expected: object, got: object) -> None:
        """Add a finding unless the two are equal."""
        if expected != got:
            self.add(f"{what}: expected {expected}, got {got}")

    def check(self, fine: str) -> AuditCheck:
        """The verdict; fine: what is so where nothing was found."""
        if self.none:
            return AuditCheck(name=self.name, status=CheckStatus.OK, message=fine)
        more = [f"and {self._count - SHOWN:,} more"] if self._count > SHOWN else []
        return AuditCheck(name=self.name, status=CheckStatus.FAILED, message="; ".join([*self._said, *more]))


def skipped(name: str, why: str) -> AuditCheck:
    return AuditCheck(name=name, status=CheckStatus.SKIPPED, message=why)


@dataclass(frozen=True, kw_only=True)
class Audit:
    """A settled job, proven again from its files and its rows."""

    job_id: JobId
    state: JobState
    # SHA-256 over the content of the published rows (data/content.py); None where they could not all be read.
    digest: str | None
    # None where the split did not come to its end.
    rows_total: int | None
    # As found in the files.
    rows_scored: int
    rows_rejected: int
    checks: Sequence[AuditCheck]

    @property
    def ok(self) -> bool:
        return all(check.status is not CheckStatus.FAILED for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """As `scoring audit --json` prints it."""
        facts = asdict(self)
        checks = facts.pop("checks")
        return {"job_id": facts.pop("job_id"), "state": facts.pop("state"), "ok": self.ok, **facts, "checks": checks}
