"""``--max-rejected`` while the job runs."""

from sqlalchemy import select

from scoring.core.errors import TooManyRejects
from scoring.core.ids import JobId
from scoring.core.options import RejectLimit
from scoring.ledger.database import Tx
from scoring.ledger.parts import rejected_rows
from scoring.ledger.tables import jobs
from scoring.ledger.verdicts import stop


def stop_over_limit(tx: Tx, job_id: JobId, *, at_most: int | None = None, first: str = "") -> bool:
    """`stop` the job if it has rejected more rows than ``--max-rejected`` allows, or will have at its end.

    A count is judged at any time, a share against the total, or, as long as that is not known, against the rows that
    the job has `at_most`. first: a rejected row in words. What is summed are the chunks that have rejects: no more of
    them than a count allows rows; for a share see `RejectLimit.judged_by`.
    """
    question = select(jobs.c.options, jobs.c.rows_total, jobs.c.error_code).where(jobs.c.job_id == job_id)
    row = tx.execute(question).one()
    limit = RejectLimit(**row.options["max_rejected"])
    total = at_most if row.rows_total is None else row.rows_total
    if row.error_code is not None or (limit.rows is None and total is None and not limit.none):
        return False
    rejected = rejected_rows(tx, job_id)
    if limit.allows(rejected, total or 0):
        return False
    some = "" if row.rows_total is not None else "at most "
    rows = f" of {some}{total} rows" if limit.rows is None and total is not None else ""
    error = TooManyRejects(
        "too many rows were rejected",
        expected=f"at most {limit}{rows}",
        got=f"{rejected} rejected rows" + (f"; {first}" if first else ""),
        remedy="`scoring failures` shows them; allow more with --max-rejected",
    )
    stop(tx, job_id, error.code, str(error))
    return True
