"""The third witness of an audit: what the output folder shows, by its names and by its manifest."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from scoring.core.audit import AuditCheck, Findings, skipped
from scoring.core.errors import ChunkCorrupt
from scoring.core.states import JobState
from scoring.data.content import plain_type
from scoring.data.delta_log import DELTA_LOG, log_owner
from scoring.data.manifest import FORMAT, MANIFEST, PARTIAL, SUCCESS, manifest_schema, read_manifest
from scoring.data.outputs import files_of
from scoring.data.parts import REJECTS, STAGING, part_name
from scoring.data.seen_file import regular_bytes
from scoring.ledger.audit import ChunkAccount
from scoring.ledger.records import Job
from scoring.pipeline.audit_standing import Standing

Entry = Mapping[str, Any]


class Folder:
    """Sees every chunk once, in order."""

    def __init__(self, job: Job, standing: Standing) -> None:
        self._job = job
        self._standing = standing
        self._folder = Findings("folder")
        self._manifest = Findings("manifest")
        self._document = self._read()
        self._parts = self._entries("parts")
        self._rejects = self._entries("rejects")
        self._shown: set[str] = set()
        self._rows_scored = self._rows_rejected = 0

    def see(self, account: ChunkAccount) -> None:
        if account.part is None:
            self._rows_rejected += account.rows_rejected
            if account.rows_rejected:
                self._expect_rejects(account.chunk, f"{REJECTS}/{part_name(account.chunk)}", account.rows_rejected)
            return
        part, rejects = account.part.part, account.part.rejects
        self._rows_scored += part.rows
        self._rows_rejected += account.part.rows_rejected
        self._shown.add(part.path)
        wanted = {
            "chunk": account.chunk,
            "path": part.path,
            "rows": part.rows,
            "rows_rejected": account.part.rows_rejected,
            "first_row": account.first_row,
            "bytes": part.bytes,
            "sha256": part.sha256,
        }
        self._expect(f"part of chunk {account.chunk}", wanted, self._parts.pop(account.chunk, None))
        if rejects is not None:
            self._expect_rejects(account.chunk, rejects.path, rejects.rows)

    def checks(self, schema: pa.Schema | None) -> Iterator[AuditCheck]:
        """The verdicts, once all chunks were seen. schema: of the parts; None where there is none."""
        yield self._check_folder()
        yield self._check_manifest(schema)

    def _check_folder(self) -> AuditCheck:
        standing, job = self._standing, self._job
        if job.options.delta and (standing.output / DELTA_LOG).is_dir() and log_owner(standing.output) != job.id:
            return skipped("folder", "others have committed to the Delta table since")
        self._see_folders()
        if standing.listing is None:
            return self._check_unlisted()
        found = self._parquet()
        for name in sorted(found - self._shown):
            self._folder.add(f"{name} is no file of the job")
        for name in sorted(self._shown - found):
            self._folder.add(f"{name} is missing")
        for name in (SUCCESS, MANIFEST, PARTIAL):
            wanted = name == standing.listing or (name == SUCCESS and job.state is JobState.SUCCEEDED)
            if wanted != (standing.output / name).exists():
                self._folder.add(f"{name} is missing" if wanted else f"{name} is there for a job that is {job.state}")
        if (standing.output / STAGING / job.id).exists():
            self._folder.add(f"{STAGING}/{job.id} is left over")
        return self._folder.check(f"{len(self._shown):,} files, under the names that were committed, and no other")

    def _check_unlisted(self) -> AuditCheck:
        """Whatever the last step has left: with --overwrite the last result may stand beside it."""
        output, allowed = self._standing.output, self._shown if self._standing.halfway else set()
        lists = (SUCCESS, MANIFEST) if self._standing.halfway else (SUCCESS, MANIFEST, PARTIAL)
        found = self._parquet() | {name for name in lists if (output / name).exists()}
        if self._job.options.overwrite:
            found &= set(files_of(output, self._job.id))
        for name in sorted(found - allowed):
            self._folder.add(f"{name} is public, and ought not to be")
        if not self._standing.halfway:
            return self._folder.check("nothing of the job is public")
        unlisted = "" if (output / PARTIAL).exists() else f" without {PARTIAL}"
        public = f"{len(found):,} of its {len(allowed):,} files are public{unlisted}, and no other"
        return self._folder.check(f"the end of the job was not published: {public}")

    def _see_folders(self) -> None:
        output = self._standing.output
        if not output.is_dir() and self._shown:
            self._folder.add(f"{output} is not there, or this host does not see it")
        if (output / REJECTS).is_symlink():
            self._folder.add(f"{REJECTS} is a link")
        below = [path for path in output.glob("*/part-*.parquet") if path.parent.name not in (REJECTS, STAGING)]
        # Another job may have its output there.
        foreign = {folder for folder in {path.parent for path in below} if read_manifest(folder) is None}
        for path in sorted(path for path in below if path.parent in foreign):
            self._folder.add(f"{path.relative_to(output)} is no file of the job")

    def _parquet(self) -> set[str]:
        output = self._standing.output
        folders = (output, output / REJECTS)
        return {str(path.relative_to(output)) for folder in folders for path in folder.glob("*.parquet")}

    def _check_manifest(self, schema: pa.Schema | None) -> AuditCheck:
        name = self._standing.listing
        if name is None:
            return skipped("manifest", f"a job that ends like this one has none ({self._job.state})")
        if self._document is None:
            return self._manifest.check("")
        for title, left in (("part", self._parts), ("rejects", self._rejects)):
            for chunk in left:
                self._manifest.add(f"{title} of chunk {chunk} is listed, and was not committed")
        model, scored, rejected = self._job.model, self._rows_scored, self._rows_rejected
        total = self._job.rows_total if self._job.rows_total is not None else scored + rejected
        wanted = {
            "format": FORMAT,
            "job_id": self._job.id,
            "model": {"name": model.name, "version": model.version, "sha256": model.sha256},
            "rows_total": total,
            "rows_scored": scored,
            "rows_rejected": rejected,
        }
        self._expect(name, wanted, {key: self._document.get(key) for key in wanted})
        self._expect_columns(schema)
        return self._manifest.check(f"{name} lists what the ledger has committed")

    def _read(self) -> Mapping[str, Any] | None:
        if self._standing.listing is None:
            return None
        path = self._standing.output / self._standing.listing
        try:
            regular_bytes(path)
            found = json.loads(path.read_bytes())
        except ChunkCorrupt as corrupt:
            self._manifest.expect(path.name, corrupt.expected, corrupt.got)
        except (OSError, ValueError, RecursionError) as error:
            self._manifest.expect(path.name, "JSON", str(error)[:200])
        else:
            if isinstance(found, dict):
                return found
            self._manifest.expect(path.name, "a JSON object", type(found).__name__)
        return None

    def _entries(self, name: str) -> dict[int, Entry]:
        """What is listed, by chunk."""
        listed: Any = [] if self._document is None else self._document.get(name)
        entries: dict[int, Entry] = {}
        for entry in listed if isinstance(listed, list) else [listed]:
            chunk = entry.get("chunk") if isinstance(entry, dict) else None
            if not isinstance(chunk, int) or chunk in entries:
                self._manifest.add(f"{name}: an entry is there twice, or is none: {str(entry)[:80]}")
            else:
                entries[chunk] = entry
        if list(entries) != sorted(entries):
            self._manifest.add(f"{name} are not in the order of their chunks")
        return entries

    def _expect_rejects(self, chunk: int, path: str, rows: int) -> None:
        self._shown.add(path)
        wanted = {"chunk": chunk, "path": path, "rows": rows}
        self._expect(f"rejects of chunk {chunk}", wanted, self._rejects.pop(chunk, None))

    def _expect(self, what: str, wanted: Entry, found: Entry | None) -> None:
        if self._document is None:
            return
        if found is None:
            self._manifest.add(f"{what} is committed, and not listed")
            return
        for key, value in wanted.items():
            self._manifest.expect(f"{key} of the {what}", value, found.get(key))

    def _expect_columns(self, schema: pa.Schema | None) -> None:
        if schema is None or self._document is None:
            return
        listed = self._document.get("columns")
        names = (
            [entry.get("name") for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else listed
        )
        self._manifest.expect("columns", schema.names, names)
        if "arrow_schema" not in self._document:
            return  # of an earlier release
        stored = manifest_schema(self._document)
        if stored is None:
            self._manifest.add("arrow_schema is not that of the columns")
        elif [plain_type(field.type) for field in stored] != schema.types:
            self._manifest.add("arrow_schema is not that of the parts")
