"""What is in an output folder, as JSON: `_manifest.json` for a success, `_partial.json` for the rest."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from scoring.core.chunks import StagedFile
from scoring.data.storage import write_whole
from scoring.failpoints import reach

MANIFEST = "_manifest.json"
PARTIAL = "_partial.json"
SUCCESS = "_SUCCESS"
FORMAT = 1

LISTED = re.compile(r"(?:_rejects/)?part-\d{6,}\.parquet")
"""A file that a manifest may list: nobody is led out of the folder."""

TORN = re.compile(r"\.(?:_manifest\.json|_partial\.json|_SUCCESS)\.[0-9a-f]{8}\.tmp")
"""One of the three on its way to its name, see `write_whole`: of no use to anybody once its writer is dead."""


@dataclass(frozen=True, kw_only=True)
class ManifestPart:
    """One promoted chunk."""

    chunk: int
    first_row: int
    rows_rejected: int
    part: StagedFile
    rejects: StagedFile | None = None


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """CONTRACT section 9, Files."""

    job_id: str
    model_name: str
    model_version: int
    model_sha256: str
    rows_total: int
    rows_scored: int
    rows_rejected: int
    # Of the part files; empty where there is none.
    schema: pa.Schema
    # In chunk order.
    parts: Sequence[ManifestPart]
    # Rejects of chunks that have no part: (chunk, file).
    more_rejects: Sequence[tuple[int, StagedFile]] = ()

    def to_json(self) -> dict[str, Any]:
        rejects = [(part.chunk, part.rejects) for part in self.parts if part.rejects is not None]
        return {
            "format": FORMAT,
            "job_id": self.job_id,
            "model": {"name": self.model_name, "version": self.model_version, "sha256": self.model_sha256},
            "rows_total": self.rows_total,
            "rows_scored": self.rows_scored,
            "rows_rejected": self.rows_rejected,
            "columns": _columns(self.schema),
            "arrow_schema": base64.b64encode(self.schema.serialize()).decode(),
            "parts": [_part(part) for part in self.parts],
            "rejects": [
                {"chunk": chunk, "path": file.path, "rows": file.rows}
                for chunk, file in sorted([*rejects, *self.more_rejects], key=lambda pair: pair[0])
            ],
        }


def write_manifest(output: Path, manifest: Manifest) -> None:
    """The result is whole: the manifest, then `_SUCCESS`, and no `_partial.json` any more."""
    _clear_torn(output)
    write_whole(output / MANIFEST, _encode(manifest))
    reach("manifest.written")
    write_whole(output / SUCCESS, b"")
    (output / PARTIAL).unlink(missing_ok=True)


def write_partial(output: Path, manifest: Manifest) -> None:
    """What a failed or cancelled job has left."""
    _clear_torn(output)
    write_whole(output / PARTIAL, _encode(manifest))


def read_manifest(output: Path) -> Mapping[str, Any] | None:
    """The manifest, else the partial one, else None. A torn or foreign file counts as none."""
    for name in (MANIFEST, PARTIAL):
        path = output / name
        if not path.is_file():
            continue  # not even opened: whoever reads a pipe waits for ever
        try:
            found = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(found, dict) and _is_ours(found):
            return found
    return None


def _clear_torn(output: Path) -> None:
    """Remove what a process has left that was killed while it wrote one of these files."""
    for path in output.glob(".*.tmp"):
        if TORN.fullmatch(path.name):
            path.unlink(missing_ok=True)


def part_schema(path: Path) -> pa.Schema:
    """Names and types of a part file's columns, by its footer."""
    return _plain(pq.read_schema(path))


def manifest_schema(manifest: Mapping[str, Any]) -> pa.Schema | None:
    """The schema of the parts, without a look at them; None where the manifest is older, or was written by hand."""
    try:
        schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(manifest["arrow_schema"], validate=True)))
    except (KeyError, TypeError, ValueError, OSError, pa.ArrowException):
        return None
    return schema if _columns(schema) == manifest.get("columns") else None


def _plain(schema: pa.Schema) -> pa.Schema:
    """Without the notes of one file: two parts of a job have the same."""
    return pa.schema([field.remove_metadata() for field in schema])


def _columns(schema: pa.Schema) -> list[dict[str, str]]:
    return [{"name": field.name, "type": str(field.type)} for field in schema]


def _is_ours(found: Mapping[str, Any]) -> bool:
    if found.get("format") != FORMAT or "job_id" not in found:
        return False
    try:
        return all(LISTED.fullmatch(entry["path"]) for entry in (*found["parts"], *found["rejects"]))
    except (KeyError, TypeError):
        return False


def _part(part: ManifestPart) -> dict[str, Any]:
    return {
        "chunk": part.chunk,
        "path": part.part.path,
        "rows": part.part.rows,
        "rows_rejected": part.rows_rejected,
        "first_row": part.first_row,
        "bytes": part.part.bytes,
        "sha256": part.part.sha256,
    }


def _encode(manifest: Manifest) -> bytes:
    return (json.dumps(manifest.to_json(), indent=1, ensure_ascii=False) + "\n").encode()
