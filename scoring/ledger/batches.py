"""The batches of a model: its jobs whose results can be read."""

from sqlalchemy import select

from scoring.core.states import JobState
from scoring.ledger.database import Tx
from scoring.ledger.job_rows import job_of, select_jobs
from scoring.ledger.records import Job
from scoring.ledger.tables import jobs, model_versions


def batches(tx: Tx, model: str) -> list[Job]:
    """Succeeded jobs of all versions of the model that retention has left, the newest submission first."""
    kept = select_jobs().where(
        model_versions.c.name == model, jobs.c.state == JobState.SUCCEEDED.value, jobs.c.purged_at.is_(None)
    )
    return [job_of(row) for row in tx.execute(kept.order_by(jobs.c.number.desc()))]


def model_names(tx: Tx) -> list[str]:
    """Names of the registered models, sorted."""
    return list(tx.scalars(select(model_versions.c.name).distinct().order_by(model_versions.c.name)))
