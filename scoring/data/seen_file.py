"""A part file or a file of rejects, read whole and believed in nothing."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scoring.core.chunks import StagedFile
from scoring.core.errors import ChunkCorrupt
from scoring.data.arrays import Ints, values_of
from scoring.data.content import plain_type
from scoring.data.digests import digest_of
from scoring.data.rejects import count_rejects
from scoring.data.result_schema import ROW

_BATCH_ROWS = 65_536


@dataclass(frozen=True, kw_only=True)
class SeenFile:
    """What a file says of itself."""

    # [n] its `_row` values, as they stand in it.
    rows: Ints
    # Names and types of the values: a dictionary is a way to write them.
    schema: pa.Schema
    # The job's own notes in the footer.
    metadata: Mapping[str, str]


def regular_bytes(path: Path) -> int:
    """Size of a file that is one. Raises ChunkCorrupt for what is missing, a link, or no file: it is not opened."""
    try:
        found = path.lstat()
    except OSError as error:
        raise _wrong(path, "a file", error.strerror or str(error)) from error
    if not S_ISREG(found.st_mode):
        raise _wrong(path, "a file", "a link, or no file at all")
    return found.st_size


def require_same(path: Path, committed: StagedFile) -> None:
    """Raises ChunkCorrupt unless the file has the bytes that were committed."""
    size = regular_bytes(path)
    if size != committed.bytes:
        raise _wrong(path, f"{committed.bytes:,} bytes", f"{size:,}")
    try:
        found = digest_of(path)
    except OSError as error:
        raise _wrong(path, "a file that can be read", error.strerror or str(error)) from error
    if found != committed.sha256:
        raise _wrong(path, f"SHA-256 {committed.sha256[:16]}…", f"{found[:16]}…: its content was changed")


def see_file(path: Path, on_batch: Callable[[pa.RecordBatch], None]) -> SeenFile:
    """Read every page, its checksum verified, a batch at a time. Raises ChunkCorrupt."""
    regular_bytes(path)
    rows: list[Ints] = []
    try:
        with pq.ParquetFile(path, page_checksum_verification=True, pre_buffer=False) as file:
            schema = file.schema_arrow
            if ROW not in schema.names or schema.field(ROW).type != pa.int64():
                raise _wrong(path, f"a column {ROW} of int64", ", ".join(schema.names)[:200])
            for batch in file.iter_batches(_BATCH_ROWS, use_threads=False):
                if batch.column(ROW).null_count:
                    raise ValueError(f"{ROW} is null")
                rows.append(values_of(batch.column(ROW)).copy())
                on_batch(batch)
            notes = {_text(name): _text(value) for name, value in (schema.metadata or {}).items()}
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _wrong(path, "Parquet that can be read", str(error)[:200]) from error
    plain = pa.schema([(field.name, plain_type(field.type)) for field in schema])
    return SeenFile(rows=np.concatenate([np.empty(0, np.int64), *rows]), schema=plain, metadata=notes)


class RejectCounter:
    """Counts the rows of a file of rejects by (code, column)."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()

    def update(self, batch: pa.RecordBatch) -> None:
        """Raises ValueError where the columns are not those of rejects."""
        if not {"code", "column"} <= set(batch.schema.names):
            raise ValueError("it has no columns code and column")
        for count in count_rejects(batch):
            self.counts[count.code, count.column] += count.rows


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")


def _wrong(path: Path, expected: str, got: str) -> ChunkCorrupt:
    return ChunkCorrupt(str(path), expected=expected, got=got)
