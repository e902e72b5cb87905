"""Where the files of a settled job ought to stand, by how the job ended."""

from dataclasses import dataclass
from pathlib import Path

from scoring.core.chunks import StagedFile
from scoring.core.errors import ErrorCode
from scoring.core.states import JobState, StepKind, StepState
from scoring.data.manifest import MANIFEST, PARTIAL
from scoring.data.parts import locate
from scoring.ledger.audit import StepAccount
from scoring.ledger.records import Job


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What is promised of the output folder."""

    output: Path
    # Every committed file bears its public name.
    public: bool
    # Committed files are there at all, public or staged.
    kept: bool
    # The file that lists them; None: none is promised.
    listing: str | None
    # The folder may hold staged files of the job.
    staged: bool

    def place(self, file: StagedFile) -> Path:
        """Where the committed file ought to lie."""
        return self.output / file.path if self.public else locate(self.output, file)


def standing_of(job: Job, steps: list[StepAccount]) -> Standing:
    output = Path(job.output)
    if job.state is JobState.SUCCEEDED:
        return Standing(output=output, public=True, kept=True, listing=MANIFEST, staged=False)
    broken_off = any(step.kind is StepKind.FINALIZE and step.state is StepState.FAILED for step in steps)
    if job.options.overwrite:
        # For a `retry` that succeeds; nobody else sees them.
        kept = job.state is JobState.FAILED and job.error_code is not ErrorCode.ACCOUNTING_BROKEN
        return Standing(output=output, public=False, kept=kept or broken_off, listing=None, staged=kept or broken_off)
    if broken_off:
        return Standing(output=output, public=False, kept=True, listing=None, staged=True)
    return Standing(output=output, public=True, kept=True, listing=PARTIAL, staged=False)
