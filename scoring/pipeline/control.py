"""What a person does to a job that exists: cancel, retry, resume."""

from scoring.core.ids import JobId, StepId
from scoring.core.states import JobState
from scoring.ledger import jobs, steps
from scoring.ledger.database import Tx
from scoring.ledger.records import CancelResult, Job
from scoring.pipeline.context import Context
from scoring.pipeline.publish import ring_due


def cancel(context: Context, job_id: JobId) -> CancelResult:
    """Stop the job for good. Finished parts stay; a finalize step promotes them and writes `_partial.json`."""
    result = context.ledger.run_once(lambda tx: jobs.cancel(tx, job_id), lambda tx: _cancelled(tx, job_id))
    ring_due(context)
    return result


def retry(context: Context, job_id: JobId) -> Job:
    """Open a new round of a failed job: what succeeded stays, the rest is pending again."""
    before = context.ledger.look(lambda tx: jobs.job(tx, job_id)).round
    job = context.ledger.run_once(lambda tx: jobs.retry(tx, job_id), lambda tx: _later_round(tx, job_id, before))
    ring_due(context)
    return job


def _cancelled(tx: Tx, job_id: JobId) -> CancelResult | None:
    return CancelResult.CANCELLED if jobs.job(tx, job_id).state is JobState.CANCELLED else None


def _later_round(tx: Tx, job_id: JobId, before: int) -> Job | None:
    job = jobs.job(tx, job_id)
    return job if job.round > before else None


def take_over(context: Context, job_id: JobId, runner: str, *, charged: bool = True) -> list[StepId]:
    """Take the job from its former owner, which is dead: the caller holds the job's lock file.

    Returns the steps that it had in hand. charged: as in the ledger's move of that name.
    """

    def take(tx: Tx) -> list[StepId]:
        in_hand = steps.take_over(tx, job_id, charged=charged)
        jobs.adopt(tx, job_id, runner)
        return in_hand

    return context.ledger.run(take)
