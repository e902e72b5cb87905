"""The fourth witness of an audit: the rows of the job in its result table, held against those of its parts."""

import pyarrow as pa

from scoring.core.audit import AuditCheck, Findings, skipped
from scoring.core.errors import InputRefused, TableRefused
from scoring.core.result_table import TableColumn
from scoring.data.pg_rows import RowsDigest
from scoring.data.pg_types import table_columns
from scoring.data.pgcopy import fields_of, instant_field
from scoring.data.result_schema import ROW
from scoring.ledger.audit import ChunkAccount
from scoring.ledger.database import Ledger
from scoring.ledger.records import Job
from scoring.ledger.result_digest import StoredRows, require_readable, stored_rows
from scoring.ledger.result_target import Target

_NUMBERS = (TableColumn(name=ROW, type="bigint"),)


class Table:
    """Is given the batches of a part, then sees its chunk; asks the table at the end, once for all."""

    def __init__(self, ledger: Ledger, job: Job) -> None:
        """Raises SettingsError where the ledger's role may not read the table."""
        self._ledger = ledger
        self._job = job
        self._findings = Findings("table")
        self._target = self._find()
        self._head = b""
        if self._target is not None and self._target.with_slot:
            self._head = fields_of([None if job.slot is None else instant_field(job.slot)])
        self._schema: pa.Schema | None = None
        self._digest = RowsDigest(self._head)
        # By chunk; None: its rows could not be read, and are only counted.
        self._wanted: dict[int, tuple[int, str | None]] = {}

    def read(self, batch: pa.RecordBatch) -> None:
        """The rows of the chunk that is seen next. Raises ValueError where no table can have held them."""
        if self._target is None:
            return
        self._schema = self._schema or batch.schema.remove_metadata()
        try:
            self._digest.update(batch)
        except TableRefused as refused:
            raise ValueError(str(refused)) from refused

    def see(self, account: ChunkAccount, *, whole: bool) -> None:
        """whole: its part was read to the end."""
        rows = 0 if account.part is None else account.part.rows_scored
        self._wanted[account.chunk] = rows, self._digest.hexdigest() if whole else None
        self._digest = RowsDigest(self._head)

    def check(self) -> AuditCheck:
        if self._job.result_table is None:
            return skipped("table", "the job writes into no table")
        if self._target is not None:
            self._compare()
        rows = sum(rows for rows, _ in self._wanted.values())
        unread = any(rows and digest is None for rows, digest in self._wanted.values())
        how = "as many as were committed" if unread else "each of them once, with the values of the parts"
        return self._findings.check(f"{self._job.result_table} holds the {rows:,} rows, {how}")

    def _find(self) -> Target | None:
        if self._job.result_table is None:
            return None
        try:
            return self._ledger.look(lambda tx: require_readable(tx, self._job))
        except TableRefused as refused:
            self._findings.add(str(refused))
            return None

    def _compare(self) -> None:
        try:
            columns = _NUMBERS if self._schema is None else table_columns(self._schema)
            found = self._ledger.look(lambda tx: stored_rows(tx, self._job, ROW, columns))
        except (TableRefused, InputRefused) as refused:
            self._findings.add(str(refused))
            return
        for chunk, (rows, digest) in self._wanted.items():
            stored = found.pop(chunk, StoredRows(rows=0, digest=""))
            self._findings.expect(f"rows of chunk {chunk}", rows, stored.rows)
            if rows == stored.rows > 0 and digest not in (None, stored.digest):
                self._findings.add(f"rows of chunk {chunk}: their values are not those of its part")
        for other, stored in found.items():
            self._findings.add(f"{stored.rows} rows of chunk {other}, which the job does not have")
