"""Whether there is anything to prove of a job: asked before an audit, and once more when it has read everything."""

from scoring.core.errors import UsageError
from scoring.data.manifest import read_manifest
from scoring.data.parts import STAGING
from scoring.ledger import audit as accounts
from scoring.ledger import jobs
from scoring.ledger.database import Ledger
from scoring.ledger.records import Job
from scoring.pipeline.audit_standing import Standing


def require_provable(ledger: Ledger, job: Job, standing: Standing) -> None:
    """Raises UsageError where the job is live, was purged, or its output is a later job's."""
    if job.purged_at is not None:
        raise UsageError(
            f"job {job.id} cannot be audited",
            expected="a job that retention has left",
            got=f"one that was purged at {job.purged_at:%Y-%m-%d %H:%M} UTC",
            remedy="its figures stay in batch_accuracy",
        )
    if not job.state.settled or ledger.look(lambda tx: accounts.is_at_work(tx, job.id)):
        raise UsageError(
            f"job {job.id} cannot be audited yet",
            expected="a job that has ended",
            got=f"one that is {job.state}, with work left to do",
            remedy=f"scoring wait {job.id}",
        )
    _require_own(ledger, job, standing)


def require_still(ledger: Ledger, job: Job, standing: Standing) -> None:
    """What was found counts only where nobody revived the job meanwhile, or took its output. Raises UsageError."""
    now = ledger.look(lambda tx: jobs.job(tx, job.id))
    if (now.state, now.round, now.purged_at) != (job.state, job.round, job.purged_at):
        raise UsageError(
            f"job {job.id} has moved while it was audited",
            expected=f"a job that stays {job.state}",
            got=f"one that is {now.state} in round {now.round}",
            remedy="audit it again once it has ended",
        )
    _require_own(ledger, job, standing)


def _require_own(ledger: Ledger, job: Job, standing: Standing) -> None:
    # Rows first: whoever clears the folder has committed before that he will, and his own list is written last.
    later = ledger.look(lambda tx: accounts.later_jobs(tx, job)) if standing.kept else []
    other = next((found.job_id for found in later if found.replaces), None)
    if other is None and _is_gone(job, standing):
        other = next((found.job_id for found in later if found.may_replace), None)
    if other is not None:
        raise UsageError(
            f"job {job.id} cannot be audited any more",
            expected=f"its result in {job.output}",
            got=f"that of job {other}, which replaced it",
            remedy=f"scoring audit {other}",
        )


def _is_gone(job: Job, standing: Standing) -> bool:
    """Whether that is missing which goes first: the job's list, or what it keeps aside."""
    if standing.listing is None:
        return not (standing.output / STAGING / job.id).exists()
    manifest = read_manifest(standing.output)
    return manifest is None or manifest["job_id"] != job.id
