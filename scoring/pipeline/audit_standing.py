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
    # Its last step has not come to its end: any committed file may be public, and none need be.
    halfway: bool

    def place(self, file: StagedFile) -> Path:
        """Where the committed file ought to lie."""
        return self.output / file.path if self.public else locate(self.output, file)


def standing_of(job: Job, steps: list[StepAccount]) -> Standing:
    output = Path(job.output)
    if job.state is JobState.SUCCEEDED:
        return Standing(output=output, public=True, kept=True, listing=MANIFEST, halfway=False)
    broken_off = any(step.kind is StepKind.FINALIZE and step.state is StepState.FAILED for step in steps)
    if job.options.overwrite:
        # For a `retry` that succeeds; nobody else sees them.
        kept = job.state is JobState.FAILED and job.error_code is not ErrorCode.ACCOUNTING_BROKEN
        return Standing(output=output, public=False, kept=kept or broken_off, listing=None, halfway=broken_off)
    if broken_off or _left_alone(job, output):
        return Standing(output=output, public=False, kept=True, listing=None, halfway=True)
    return Standing(output=output, public=True, kept=True, listing=PARTIAL, halfway=False)


def _left_alone(job: Job, output: Path) -> bool:
    """Whether the host that ended the job might not write there, and so has written nothing.

    By the words of the error, for the code speaks of inputs as well; a host that might has left its list.
    """
    outside = job.error_code is ErrorCode.INPUT_REFUSED and "SCORING_OUTPUT_ROOTS" in (job.error or "")
    return outside and not (output / PARTIAL).exists()
