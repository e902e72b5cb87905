"""Prove a settled job again: its rows in the ledger, its files, and its manifest must tell one story.

Nothing is believed because the job has succeeded: every file is read to its last page.
"""

from collections.abc import Iterator

from scoring.core.audit import Audit, AuditCheck, Findings, skipped
from scoring.core.errors import TableRefused
from scoring.core.ids import JobId
from scoring.data.result_schema import ROW
from scoring.ledger import audit as accounts
from scoring.ledger import jobs, reports
from scoring.ledger.audit import ChunkAccount
from scoring.ledger.database import Ledger
from scoring.ledger.records import Job
from scoring.pipeline.audit_books import Books
from scoring.pipeline.audit_files import Files
from scoring.pipeline.audit_folder import Folder
from scoring.pipeline.audit_grounds import require_provable, require_still
from scoring.pipeline.audit_standing import standing_of


def audit(ledger: Ledger, job_id: JobId, *, digest: str | None = None) -> Audit:
    """What is found of the job, check by check.

    digest: that the content ought to have. Raises NotFound; UsageError where there is nothing to prove: the job is
    live, was purged, or its output holds the result of a later job; LedgerAway; SettingsError where the ledger's role
    may not read what the job has written.
    """
    job, steps = ledger.look(lambda tx: (jobs.job(tx, job_id), accounts.job_steps(tx, job_id)))
    standing = standing_of(job, steps)
    require_provable(ledger, job, standing)
    books, files, folder, table = Books(job), Files(job, standing), Folder(job, standing), _Table(ledger, job)
    for account in accounts.chunk_accounts(ledger, job_id):
        for witness in (books, files, folder, table):
            witness.see(account)
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


class _Table:
    """The rows of the job in its result table, chunk by chunk."""

    def __init__(self, ledger: Ledger, job: Job) -> None:
        self._table = job.result_table
        self._findings = Findings("table")
        self._found: dict[int, tuple[int, int]] = {}
        self._rows = 0
        self._known = self._table is not None
        if self._known:
            try:
                self._found = ledger.look(lambda tx: accounts.table_rows(tx, job, ROW))
            except TableRefused as refused:
                self._findings.add(str(refused))
                self._known = False

    def see(self, account: ChunkAccount) -> None:
        if not self._known:
            return
        rows = 0 if account.part is None else account.part.rows_scored
        self._rows += rows
        found = self._found.pop(account.chunk, (0, 0))
        self._findings.expect(f"rows of chunk {account.chunk} (all, different)", (rows, rows), found)

    def check(self) -> AuditCheck:
        if self._table is None:
            return skipped("table", "the job writes into no table")
        for chunk, (rows, _) in self._found.items():
            self._findings.add(f"{rows} rows of chunk {chunk}, which the job does not have")
        return self._findings.check(f"{self._table} holds the {self._rows:,} rows, each of them once")


def _compared(wanted: str | None, found: str | None) -> Iterator[AuditCheck]:
    if wanted is not None:
        findings = Findings("digest")
        findings.expect("the content", wanted.lower(), found)
        yield findings.check("the content is the one that was expected")
