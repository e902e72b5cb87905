"""An output belongs to one live job: a unique index over `output_held` sees to it."""

from sqlalchemy import select, true

from scoring.core.errors import OutputTaken
from scoring.ledger.database import Tx
from scoring.ledger.tables import jobs


def holder(tx: Tx, output: str) -> str | None:
    """Id of the live job that holds `output`."""
    return tx.scalar(select(jobs.c.job_id).where(jobs.c.output == output, jobs.c.output_held == true()))


def refused(output: str, job_id: str | None) -> OutputTaken:
    """What to raise where another job holds `output`."""
    return OutputTaken(
        f"the output {output} is taken",
        expected="an output of no other live job",
        got=f"job {job_id or 'of another process'} writes there",
        remedy="wait for that job, cancel it, or give another --output",
    )
