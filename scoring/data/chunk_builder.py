"""Collects clean rows and rejects until a chunk is full, then writes it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from scoring.core.chunks import Chunk, WarningCount
from scoring.core.columns import ColumnSpec, Dtype
from scoring.data.chunk_files import write_chunk_file
from scoring.data.parquet_text import row_text_bytes
from scoring.data.rejects import Reject, count_rejects, reject_batch
from scoring.data.warnings import summed


class ChunkBuilder:
    """Builds one chunk after the other; holds the rows of one at most."""

    def __init__(
        self,
        columns: Sequence[ColumnSpec],
        work: Path,
        *,
        chunk_rows: int,
        chunk: int,
        row: int,
        limit: int | None,
        text_bytes: int | None = None,
    ) -> None:
        """text_bytes: a chunk ends with the clean row that brings its text to as many bytes. None: with its rows."""
        self._dictionaries = [spec.slot for spec in columns if spec.dtype is Dtype.STRING and spec.list_size is None]
        self._work = work
        self._chunk_rows = chunk_rows
        self._limit = limit
        self._text_bytes = text_bytes
        # Number of the chunk being built, and the job's row where it starts.
        self.chunk = chunk
        self.first_row = row
        # Rows of the chunk so far, rejects counted.
        self.rows = 0
        # Text of its clean rows.
        self._bytes = 0
        self._batches: list[pa.RecordBatch] = []
        self._rejects: list[Reject] = []
        self._warnings: list[WarningCount] = []

    @property
    def next_row(self) -> int:
        """Position in the job's input of the next row to add."""
        return self.first_row + self.rows

    @property
    def room(self) -> int:
        """Rows that the chunk still takes; 0: it is full, or the limit of the job is reached."""
        if self.full_of_text:
            return 0
        room = self._chunk_rows - self.rows
        return room if self._limit is None else min(room, self._limit - self.next_row)

    @property
    def full_of_text(self) -> bool:
        return self._text_bytes is not None and self._bytes >= self._text_bytes

    def at_limit(self) -> bool:
        return self._limit is not None and self.next_row >= self._limit

    def cut(self, clean: pa.RecordBatch) -> int | None:
        """How many of the next clean rows make the chunk full by its text: then it ends right behind the last of
        them. None where it is not full with all of them.

        By the rows alone, never by how they are read: a split that goes on after a kill finds the same bounds.
        """
        if self._text_bytes is None:
            return None
        bytes = row_text_bytes(clean)
        if bytes is None or self._bytes + int(bytes.sum()) < self._text_bytes:
            return None
        return int(np.searchsorted(np.cumsum(bytes), self._text_bytes - self._bytes)) + 1

    def add(
        self, rows: int, clean: pa.RecordBatch, rejects: Sequence[Reject], warnings: Sequence[WarningCount]
    ) -> None:
        """Add the next `rows` rows of the input; warnings: of the clean ones."""
        if self._text_bytes is not None and (bytes := row_text_bytes(clean)) is not None:
            self._bytes += int(bytes.sum())
        self._batches.append(clean)
        self._rejects.extend(rejects)
        self._warnings.extend(warnings)
        self.rows += rows

    def finish(self) -> Chunk:
        """Write the chunk and begin the next one. The same rows give the same files, whoever writes them again."""
        name = f"chunk-{self.chunk:06d}"
        table = pa.Table.from_batches(self._batches)
        written = write_chunk_file(table, self._work, f"{name}.parquet", self._dictionaries)
        found, rejects = None, None
        if self._rejects:
            found = reject_batch(self._rejects)
            rejects = write_chunk_file(pa.Table.from_batches([found]), self._work, f"{name}.rejects.parquet")
        chunk = Chunk(
            chunk=self.chunk,
            first_row=self.first_row,
            rows=self.rows,
            path=written.name,
            bytes=written.bytes,
            sha256=written.sha256,
            rejects_path=rejects.name if rejects else None,
            rejects_sha256=rejects.sha256 if rejects else "",
            rows_rejected=len(self._rejects),
            reject_counts=count_rejects(found),
            warning_counts=summed(self._warnings),
        )
        self.skip_to(self.chunk + 1, self.next_row)
        return chunk

    def skip_to(self, chunk: int, row: int) -> None:
        """Begin chunk `chunk` at `row`: what lies before needs no file."""
        self.chunk, self.first_row, self.rows, self._bytes = chunk, row, 0, 0
        self._batches, self._rejects, self._warnings = [], [], []
