"""The second witness of an audit: the bytes of the parts and of the rejects."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from scoring.core.audit import AuditCheck, Findings, skipped
from scoring.core.chunks import StagedFile
from scoring.core.errors import ChunkCorrupt
from scoring.data.arrays import Ints
from scoring.data.content import ContentDigest
from scoring.data.parts import REJECTS, part_name
from scoring.data.seen_file import RejectCounter, SeenFile, require_same, see_file
from scoring.ledger.audit import ChunkAccount
from scoring.ledger.records import Job
from scoring.pipeline.audit_standing import Standing

_NO_ROWS = np.empty(0, np.int64)


class Files:
    """Reads what was committed for every chunk, one after the other; memory does not grow with them."""

    def __init__(self, job: Job, standing: Standing, *, also: Callable[[pa.RecordBatch], None]) -> None:
        """also: is given each batch of a part; what it raises ValueError for counts as unreadable."""
        self._job = job
        self._also = also
        self._standing = standing
        self._files = Findings("files")
        self._rows = Findings("rows")
        self._rejects = Findings("rejects")
        self._content = ContentDigest()
        # Of the first part; all others have the same.
        self.schema: pa.Schema | None = None
        # Whether the part of the chunk seen last was read to its end.
        self.saw_part = False
        self._seen = self._unread = 0
        self.rows_scored = self.rows_rejected = 0

    def see(self, account: ChunkAccount) -> None:
        self.saw_part = False
        if not self._standing.kept:
            return
        if account.part is None:
            self._see_unscored(account)
            return
        scored = self._read(account.chunk, account.part.part, self._see_batch)
        counter = RejectCounter()
        rejected = self._read(account.chunk, account.part.rejects, counter.update) if account.part.rejects else None
        self.saw_part = scored is not None
        if scored is not None:
            self.rows_scored += len(scored.rows)
            self._see_columns(account.part.part.path, scored.schema)
        if scored is None or (rejected is None and account.part.rejects is not None):
            return  # said already
        self._see_rows(account, scored.rows, _NO_ROWS if rejected is None else rejected.rows)
        self._see_reasons(account, counter)

    def checks(self) -> Iterator[AuditCheck]:
        if not self._standing.kept:
            why = "a job with --overwrite that did not succeed, and cannot any more, keeps none"
            yield from (skipped(name, why) for name in ("files", "rows", "rejects"))
            return
        files = "file" if self._seen == 1 else "files"
        yield self._files.check(f"{self._seen:,} {files}: every byte and page is as it was committed")
        yield self._of_all(self._rows, f"{self.rows_scored + self.rows_rejected:,} rows, each of them once")
        yield self._of_all(self._rejects, f"{self.rows_rejected:,} rejected rows, each for the reason that is counted")

    def _of_all(self, findings: Findings, fine: str) -> AuditCheck:
        if self._unread and findings.none:
            unread = "1 file" if self._unread == 1 else f"{self._unread:,} files"
            return skipped(findings.name, f"{unread} could not be read; nothing differs in the others")
        return findings.check(fine)

    def digest(self) -> str | None:
        """Of all rows; None where a file could not be read, or holds other rows."""
        return self._content.hexdigest() if self._standing.kept and self._files.none and self._rows.none else None

    def _read(self, chunk: int, file: StagedFile, on_batch: Callable[[pa.RecordBatch], None]) -> SeenFile | None:
        if None in (file.staged, file.rows, file.bytes, file.sha256):
            self._unread += 1
            self._files.add(f"{file.path}: the ledger does not say what it was, for its row has nulls")
            return None
        path = self._standing.place(file)
        try:
            require_same(path, file)
            seen = see_file(path, on_batch)
        except ChunkCorrupt as corrupt:
            self._unread += 1
            self._files.expect(self._name(path), corrupt.expected, corrupt.got)
            return None
        self._seen += 1
        self._files.expect(f"rows of {self._name(path)}", file.rows, len(seen.rows))
        self._see_origin(path, chunk, seen)
        return seen

    def _see_batch(self, batch: pa.RecordBatch) -> None:
        self._content.update(batch)
        self._also(batch)

    def _see_unscored(self, account: ChunkAccount) -> None:
        """A chunk without a part shows its rejects by the split, if it has any."""
        if not (account.rows_rejected and self._standing.public):
            return
        counter, path = RejectCounter(), self._standing.output / REJECTS / part_name(account.chunk)
        try:
            seen = see_file(path, counter.update)
        except ChunkCorrupt as corrupt:
            self._unread += 1
            self._files.expect(self._name(path), corrupt.expected, corrupt.got)
            return
        self._seen += 1
        self.rows_rejected += len(seen.rows)
        self._see_origin(path, account.chunk, seen)
        self._see_reasons(account, counter)
        self._rows.expect(f"rejected rows of chunk {account.chunk}", account.rows_rejected, len(seen.rows))
        self._see_once(account, seen.rows)

    def _see_origin(self, path: Path, chunk: int, seen: SeenFile) -> None:
        ours = {
            "scoring.job_id": self._job.id,
            "scoring.chunk": str(chunk),
            "scoring.model_sha256": self._job.model.sha256,
        }
        for name, value in ours.items():
            self._files.expect(f"{name} of {self._name(path)}", value, seen.metadata.get(name))

    def _see_columns(self, name: str, schema: pa.Schema) -> None:
        self.schema = self.schema or schema
        if schema != self.schema:
            self._files.expect(f"columns of {name}", _columns(self.schema), _columns(schema))

    def _see_rows(self, account: ChunkAccount, scored: Ints, rejected: Ints) -> None:
        if not (np.diff(scored) > 0).all():
            self._rows.add(f"chunk {account.chunk}: its rows are not in input order")
        together = np.concatenate([scored, rejected])
        self._rows.expect(f"rows of chunk {account.chunk}", account.rows, len(together))
        self._see_once(account, together)
        self.rows_rejected += len(rejected)

    def _see_once(self, account: ChunkAccount, rows: Ints) -> None:
        inside = rows[(rows >= account.first_row) & (rows < account.first_row + account.rows)]
        times = np.bincount(inside - account.first_row, minlength=account.rows)
        name = f"chunk {account.chunk}"
        self._rows.expect(f"rows of {name} from elsewhere", 0, len(rows) - len(inside))
        self._rows.expect(f"rows of {name} that are there twice", 0, int((times > 1).sum()))

    def _see_reasons(self, account: ChunkAccount, counter: RejectCounter) -> None:
        if dict(account.reject_counts) != counter.counts:
            counted, found = _reasons(account.reject_counts), _reasons(counter.counts)
            self._rejects.expect(f"rejects of chunk {account.chunk}", counted, found)

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self._standing.output))


def _columns(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} {field.type}" for field in schema)


def _reasons(counts: Mapping[tuple[str, str], int]) -> str:
    said = [f"{rows} {code}{f' in {column}' if column else ''}" for (code, column), rows in sorted(counts.items())]
    return ", ".join(said) or "none"
