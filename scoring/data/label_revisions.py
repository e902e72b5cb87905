"""Revisions of a job's late labels: one Parquet file each, `_row` and `label`, sorted by `_row`.

The keys were resolved to rows when the file was attached, so that figures are recomputed by merging sorted files: no
join, and memory for one part at a time, however many revisions there are.
"""

import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scoring.core.errors import ChunkCorrupt
from scoring.core.late_labels import ROW_KEY
from scoring.data.arrays import Ints, number_array, one_batch, values_of
from scoring.data.digests import digest_of
from scoring.data.storage import storage_faults, sync_folder

GROUP_ROWS = 131_072
SCHEMA = pa.schema([(ROW_KEY, pa.int64()), ("label", pa.string())])


@dataclass(frozen=True, kw_only=True)
class StoredLabels:
    """One revision's file, named after its content."""

    name: str
    sha256: str


def store_labels(folder: Path, batches: Iterable[pa.RecordBatch]) -> StoredLabels:
    """Write a revision whole: digest, fsync, rename, fsync of the folder. The same labels give the same file.

    batches: SCHEMA, sorted by `_row`. Raises StorageFault.
    """
    temporary = folder / f".incoming-{uuid.uuid4().hex}"
    with storage_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        with storage_faults(folder), temporary.open("wb") as file:
            with pq.ParquetWriter(file, SCHEMA, compression="zstd", write_page_checksum=True) as writer:
                for group in _groups(batches):
                    writer.write_batch(group, row_group_size=GROUP_ROWS)
            file.flush()
            os.fsync(file.fileno())
        with storage_faults(folder):
            sha256 = digest_of(temporary)
            name = f"{sha256}.parquet"
            temporary.replace(folder / name)
            sync_folder(folder)
    finally:
        temporary.unlink(missing_ok=True)
    return StoredLabels(name=name, sha256=sha256)


class LateLabels:
    """The labels of several revisions, handed out part by part in the order of the rows. Read once."""

    def __init__(self, files: Sequence[Path]) -> None:
        """files: oldest first; the later one wins. Raises ChunkCorrupt, here or later, where one is gone or damaged."""
        self._cursors = [_Cursor(path) for path in files]

    def align(self, rows: Ints, before: pa.Array | None) -> pa.Array:
        """The label of each row as text; null where there is none.

        rows: int64 [n], rising, above those of the last call. before: the labels of the input, as text [n], or None.
        """
        pieces = [pa.nulls(len(rows), pa.string()) if before is None else before]
        pick = np.arange(len(rows), dtype=np.int64)
        offset = len(rows)
        for cursor in self._cursors if len(rows) else ():
            found = cursor.up_to(int(rows[-1]))
            pick[np.searchsorted(rows, values_of(found.column(ROW_KEY)))] = offset + np.arange(found.num_rows)
            pieces.append(found.column("label"))
            offset += found.num_rows
        return pc.take(pa.concat_arrays(pieces), number_array(pick))


class _Cursor:
    """One revision, read forward."""

    def __init__(self, path: Path) -> None:
        self._batches = _read(path)
        self._rest = SCHEMA.empty_table().to_batches() or [one_batch(SCHEMA.empty_table())]

    def up_to(self, row: int) -> pa.RecordBatch:
        """Labels of rows up to this one that were not handed out before."""
        while (last := _last_row(self._rest[-1])) is None or last <= row:
            batch = next(self._batches, None)
            if batch is None:
                break
            self._rest.append(batch)
        whole = one_batch(pa.Table.from_batches(self._rest))
        cut = int(np.searchsorted(values_of(whole.column(ROW_KEY)), row, side="right"))
        self._rest = [whole.slice(cut)]
        return whole.slice(0, cut)


def _last_row(batch: pa.RecordBatch) -> int | None:
    return int(values_of(batch.column(ROW_KEY))[-1]) if batch.num_rows else None


def _read(path: Path) -> Iterator[pa.RecordBatch]:
    try:
        with pq.ParquetFile(path, page_checksum_verification=True, pre_buffer=False) as file:
            yield from file.iter_batches(GROUP_ROWS, use_threads=False)
    except (OSError, pa.ArrowException) as error:
        raise ChunkCorrupt(
            f"{path} is gone or damaged",
            expected="labels that were attached",
            got=str(error)[:200],
            remedy="restore it from backup: figures are recomputed from every file of labels",
        ) from error


def _groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of GROUP_ROWS: however they came, the bytes of the file are the same."""
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        while rows >= GROUP_ROWS:
            whole = one_batch(pa.Table.from_batches(waiting, SCHEMA))
            yield whole.slice(0, GROUP_ROWS)
            waiting, rows = [whole.slice(GROUP_ROWS)], rows - GROUP_ROWS
    if rows:
        yield one_batch(pa.Table.from_batches(waiting, SCHEMA))
