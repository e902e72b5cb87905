"""Chunk files: written by the split, read by the score step, deleted once their part is promoted."""

import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scoring.core.chunks import Chunk, WarningCount
from scoring.core.columns import ColumnSpec, Dtype
from scoring.core.errors import ChunkCorrupt, StorageFault
from scoring.data.arrays import Ints, one_batch, values_of
from scoring.data.digests import digest_of
from scoring.data.parquet_read import read_refs
from scoring.data.storage import storage_faults


@dataclass(frozen=True, kw_only=True)
class CleanChunk:
    """What the model may see of a chunk."""

    # One contiguous batch; columns are the slots. A text feature may come as dictionary<int32, string>.
    batch: pa.RecordBatch
    # [n] position of each row in the job's input.
    rows: Ints
    # REJECT_SCHEMA; the rows of the chunk that are not in `batch`. None where there are none.
    rejects: pa.RecordBatch | None
    # Of the rows in `batch`: what was decided about them before the model sees them.
    warnings: tuple[WarningCount, ...] = ()


@dataclass(frozen=True, kw_only=True)
class WrittenFile:
    name: str
    bytes: int
    sha256: str


def read_chunk(chunk: Chunk, work: Path, columns: Sequence[ColumnSpec], *, raw: bool = True) -> CleanChunk:
    """raw: rejects of referenced rows may show their values; those of a file are as the split wrote them.

    Raises ChunkCorrupt where a chunk file is gone or damaged, StorageFault where this host does not see the job's
    folder, InputChanged where the input behind `refs` differs.
    """
    if chunk.path is None:
        return _read_refs(chunk, columns, raw)
    dictionaries = [spec.slot for spec in columns if spec.dtype is Dtype.STRING and spec.list_size is None]
    batch = _read(work / chunk.path, chunk.sha256, dictionaries)
    rejects = read_rejects(chunk, work)
    rows = rows_without(chunk, rejects)
    if len(rows) != batch.num_rows:
        raise ChunkCorrupt(
            f"{chunk.path} does not hold its rows",
            expected=f"{len(rows)} rows",
            got=f"{batch.num_rows}",
            remedy="score the job again",
        )
    return CleanChunk(batch=batch, rows=rows, rejects=rejects, warnings=chunk.warning_counts)


def rows_without(chunk: Chunk, rejects: pa.RecordBatch | None) -> Ints:
    """Positions of the chunk's rows that are not rejected."""
    rows = np.arange(chunk.first_row, chunk.first_row + chunk.rows, dtype=np.int64)
    if rejects is None or not rejects.num_rows:
        return rows
    return np.delete(rows, values_of(rejects.column("_row")).astype(np.int64) - chunk.first_row)


def read_rejects(chunk: Chunk, work: Path) -> pa.RecordBatch | None:
    """What the split rejected of the chunk; None where it rejected nothing."""
    return _read(work / chunk.rejects_path, chunk.rejects_sha256, []) if chunk.rejects_path else None


def delete_chunk(chunk: Chunk, work: Path) -> None:
    """Remove the chunk's files, if they are still there."""
    for name in (chunk.path, chunk.rejects_path):
        if name is not None:
            (work / name).unlink(missing_ok=True)


def delete_work(work: Path) -> None:
    """Remove all chunk files of a job."""
    shutil.rmtree(work, ignore_errors=True)


def write_chunk_file(table: pa.Table, work: Path, name: str, dictionaries: Sequence[str] = ()) -> WrittenFile:
    """Written beside and renamed, so that a name never stands for half a file. Not fsynced: it can be made again.

    Raises StorageFault.
    """
    path = work / name
    temporary = path.with_name(f".{name}.{os.getpid()}.tmp")
    with storage_faults(work):
        work.mkdir(parents=True, exist_ok=True)
        try:
            # Raw input: for its owner alone, whatever the umask is.
            os.close(os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW, 0o600))
            _write(table, temporary, dictionaries)
            written = WrittenFile(name=name, bytes=temporary.stat().st_size, sha256=digest_of(temporary))
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    return written


def _write(table: pa.Table, path: Path, dictionaries: Sequence[str]) -> None:
    pq.write_table(
        table,
        path,
        compression="lz4",
        # Numbers rarely repeat: a dictionary would be built for nothing.
        use_dictionary=list(dictionaries) or False,
        write_statistics=False,
        write_page_checksum=True,
        row_group_size=max(1, table.num_rows),
    )


def _read(path: Path, sha256: str, dictionaries: Sequence[str]) -> pa.RecordBatch:
    """sha256: of the file when it was written; its pages have checksums, their headers and the footer have none."""
    try:
        # Read once: what is decoded is what was judged, whatever becomes of the file meanwhile.
        data = path.read_bytes()
        found = hashlib.sha256(data).hexdigest()
        if sha256 and found != sha256:
            raise ChunkCorrupt(
                f"chunk file {path.name} is damaged",
                expected=f"digest {sha256[:12]}…",
                got=f"{found[:12]}…",
                remedy="score the job again",
            )
        with pq.ParquetFile(
            pa.BufferReader(data),
            read_dictionary=list(dictionaries),
            page_checksum_verification=True,
            pre_buffer=False,
        ) as file:
            return one_batch(file.read(use_threads=False))
    except (OSError, pa.ArrowException) as error:
        if isinstance(error, OSError) and error.errno is not None and not isinstance(error, FileNotFoundError):
            raise
        if not path.parent.is_dir():
            raise _unseen(path.parent) from error
        raise ChunkCorrupt(
            f"chunk file {path.name} is gone or damaged", got=str(error)[:200], remedy="score the job again"
        ) from error


def _unseen(work: Path) -> StorageFault:
    """Of a host that has lost its store, or of a job whose folder was removed: nobody can tell which."""
    return StorageFault(
        f"this host does not see {work}",
        expected="the chunk files of the job",
        got="no such folder",
        remedy="mount SCORING_STORE again, then `scoring retry`; if the files are lost, score the job again",
    )


def _read_refs(chunk: Chunk, columns: Sequence[ColumnSpec], raw: bool) -> CleanChunk:
    batch, rejects, warnings = read_refs(chunk, columns, raw=raw)
    return CleanChunk(batch=batch, rows=rows_without(chunk, rejects), rejects=rejects, warnings=warnings)
