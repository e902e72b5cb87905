"""Prove a settled job again: its rows in the ledger, its files, and its manifest must tell one story.

Nothing is believed because the job has succeeded: every file is read to its last page.
"""

from collections.abc import Iterator

from scoring.core.audit import Audit, AuditCheck, Findings
from scoring.core.ids import JobId
from scoring.ledger import audit as accounts
from scoring.ledger import jobs, reports
from scoring.ledger.database import Ledger
from scoring.pipeline.audit_books import Books
from scoring.pipeline.audit_files import Files
from scoring.pipeline.audit_folder import Folder
from scoring.pipeline.audit_grounds import require_provable, require_still
from scoring.pipeline.audit_standing import standing_of
from scoring.pipeline.audit_table import Table


def audit(ledger: Ledger, job_id: JobId, *, digest: str | None = None) -> Audit:
    """What is found of the job, check by check.

    digest: that the content ought to have. Raises NotFound; UsageError where there is nothing to prove: the job is
    live, was purged, or its output holds the result of a later job; LedgerAway; SettingsError where the ledger's role
    may not read what the job has written.
    """
    job, steps = ledger.look(lambda tx: (jobs.job(tx, job_id), accounts.job_steps(tx, job_id)))
    standing = standing_of(job, steps)
    require_provable(ledger, job, standing)
    table = Table(ledger, job)
    books, files, folder = Books(job), Files(job, standing, also=table.read), Folder(job, standing)
    for account in accounts.chunk_accounts(ledger, job_id):
        for witness in (books, files, folder):
            witness.see(account)
        table.see(account, whole=files.saw_part)
    counts, progress = ledger.look(lambda tx: (accounts.row_counts(tx, job_id), reports.job_progress(tx, job_id)))
    checks = [
        *books.checks(steps, counts, progress),
        *folder.checks(files.schema),
        *files.checks(),
        table.check(),
        *_compared(digest, files.digest()),
    ]
    require_still(ledger, job, standing)
    return Audit(
        job_id=job_id,
        state=job.state,
        digest=files.digest(),
        rows_total=job.rows_total,
        rows_scored=files.rows_scored,
        rows_rejected=files.rows_rejected,
        checks=checks,
    )


def _compared(wanted: str | None, found: str | None) -> Iterator[AuditCheck]:
    if wanted is not None:
        findings = Findings("digest")
        findings.expect("the content", wanted.lower(), found)
        yield findings.check("the content is the one that was expected")
