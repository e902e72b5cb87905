"""Parquet files to chunks: references where that is cheap, copies where it is not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from scoring.core.chunks import MAX_DECODE_RATIO, Chunk, RowGroupRef, whole_group_rows
from scoring.core.columns import ColumnSpec
from scoring.core.source import InputFile, Position
from scoring.data.chunk_builder import ChunkBuilder
from scoring.data.faults import Faults
from scoring.data.fingerprints import check_unchanged
from scoring.data.parquet_read import (
    BATCH_ROWS,
    column_file,
    damage_in_words,
    group_rows,
    names_of,
    reject_rows,
    slot_batch,
    too_few_rows,
)
from scoring.data.parquet_text import judge_text
from scoring.data.screen import screen


@dataclass(frozen=True, kw_only=True)
class Range:
    """Rows of one chunk, and how they are had."""

    refs: tuple[RowGroupRef, ...]
    # Index of the file of each: one may stand twice among the inputs.
    files: tuple[int, ...]
    # True: the chunk is the references; False: its rows are copied.
    referenced: bool
    # Index of the last file, and where the range ends in it.
    end: Position

    @property
    def rows(self) -> int:
        return sum(ref.length for ref in self.refs)


def split_parquet(
    files: Sequence[InputFile],
    columns: Sequence[ColumnSpec],
    *,
    chunk_rows: int,
    start: Position,
    work: Path,
    limit: int | None,
    whole_groups: bool,
    raw: bool,
    text_bytes: int | None,
) -> Iterator[tuple[Chunk, Position]]:
    """See `split`."""
    for file in files[start.file :]:
        check_unchanged(file.fingerprint)
    seen = {file.path: file.fingerprint for file in files}
    builder = ChunkBuilder(
        columns, work, chunk_rows=chunk_rows, chunk=start.chunk, row=start.row, limit=None, text_bytes=text_bytes
    )

    def ranges(start: Position) -> Iterator[Range]:
        return plan_ranges(files, start, chunk_rows=chunk_rows, limit=limit, whole_groups=whole_groups)

    with RowStream(columns, raw=raw, batch_rows=min(BATCH_ROWS, chunk_rows)) as stream:
        planned = ranges(start)
        while (part := next(planned, None)) is not None:
            end = part.end
            if part.referenced:
                chunk = Chunk(
                    chunk=builder.chunk,
                    first_row=builder.first_row,
                    rows=part.rows,
                    path=None,
                    refs=part.refs,
                    fingerprints=tuple(seen[path] for path in dict.fromkeys(ref.file for ref in part.refs)),
                )
                builder.skip_to(builder.chunk + 1, builder.first_row + part.rows)
            else:
                cut = _copy(part, stream, builder)
                if cut is not None:
                    # What follows is planned as by a split that goes on from here.
                    end, planned = cut, ranges(cut)
                chunk = builder.finish()
            for path in dict.fromkeys(ref.file for ref in part.refs):
                check_unchanged(seen[path])
            yield chunk, end


def _copy(part: Range, stream: "RowStream", builder: ChunkBuilder) -> Position | None:
    """Adds the rows of the range to the chunk. Where its text makes the chunk full: the place behind its last row."""
    for ref, file in zip(part.refs, part.files, strict=True):
        taken = stream.copy(ref, builder)
        if builder.full_of_text:
            place = ref.offset + taken
            row, chunk = builder.next_row, builder.chunk + 1
            return Position(file=file, row_group=ref.row_group, row_in_group=place, row=row, chunk=chunk)
    return None


def plan_ranges(
    files: Sequence[InputFile], start: Position, *, chunk_rows: int, limit: int | None, whole_groups: bool
) -> Iterator[Range]:
    """The chunks behind `start`, from footers alone."""
    pending: list[tuple[RowGroupRef, int]] = []
    decoded = 0
    end = start
    for ref, size, position in _pieces(files, start, chunk_rows, limit, whole_groups):
        have = _rows(pending)
        if pending and have + ref.length > chunk_rows:
            yield _range(pending, decoded, end)
            pending, decoded = [], 0
            end = replace(end, chunk=end.chunk + 1)
        pending.append((ref, position.file))
        decoded += size
        end = replace(position, chunk=end.chunk, row=end.row + ref.length)
        if _rows(pending) >= chunk_rows:
            yield _range(pending, decoded, end)
            pending, decoded = [], 0
            end = replace(end, chunk=end.chunk + 1)
    if pending:
        yield _range(pending, decoded, end)


def _rows(pending: list[tuple[RowGroupRef, int]]) -> int:
    return sum(ref.length for ref, _ in pending)


def _range(pending: list[tuple[RowGroupRef, int]], decoded: int, end: Position) -> Range:
    return Range(
        refs=tuple(ref for ref, _ in pending),
        files=tuple(file for _, file in pending),
        referenced=decoded <= MAX_DECODE_RATIO * _rows(pending),
        end=replace(end, chunk=end.chunk + 1),
    )


def _pieces(
    files: Sequence[InputFile], start: Position, chunk_rows: int, limit: int | None, whole_groups: bool
) -> Iterator[tuple[RowGroupRef, int, Position]]:
    """Runs of rows that no chunk bound cuts, the rows to decode for each, and the place behind it."""
    row = start.row
    for index in range(start.file, len(files)):
        path = files[index].path
        first_group = start.row_group if index == start.file else 0
        for group, rows in list(enumerate(group_rows(path).tolist()))[first_group:]:
            offset = start.row_in_group if (index, group) == (start.file, start.row_group) else 0
            while offset < rows and (limit is None or row < limit):
                length = rows - offset
                if not whole_groups:
                    length = min(length, chunk_rows - row % chunk_rows)
                elif rows > whole_group_rows(chunk_rows):
                    length = min(length, chunk_rows - offset % chunk_rows)
                if limit is not None:
                    length = min(length, limit - row)
                ref = RowGroupRef(file=path, row_group=group, offset=offset, length=length)
                offset += length
                row += length
                place = (group + 1, 0) if offset == rows else (group, offset)
                yield ref, rows, Position(file=index, row_group=place[0], row_in_group=place[1])


class RowStream:
    """Decodes row groups forwards, so that the chunks of one large group do not decode it again from its start."""

    def __init__(self, columns: Sequence[ColumnSpec], *, raw: bool, batch_rows: int) -> None:
        self._columns = columns
        self._batch_rows = batch_rows
        self._raw = raw
        self._at: tuple[str, int, int] | None = None
        self._batches: Iterator[pa.RecordBatch] = iter(())
        self._held: pa.RecordBatch | None = None
        self._file: pq.ParquetFile | None = None
        # Columns that the open file gives as dictionaries.
        self._coded: frozenset[str] = frozenset()

    def __enter__(self) -> "RowStream":
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def copy(self, ref: RowGroupRef, builder: ChunkBuilder) -> int:
        """Screen the rows of `ref` and add them to the chunk, until its text makes it full; how many were taken."""
        with damage_in_words(ref.file):
            if self._at != (ref.file, ref.row_group, ref.offset):
                self._seek(ref)
            taken = 0
            while taken < ref.length and not builder.full_of_text:
                batch = self._next(ref.length - taken, ref.file)
                taken += self._drop(self._add(batch, ref, builder))
        self._at = (ref.file, ref.row_group, ref.offset + taken)
        return taken

    def _add(self, batch: pa.RecordBatch, ref: RowGroupRef, builder: ChunkBuilder) -> int:
        """How many rows were added: all of the batch, or as many as the chunk has text for if none is rejected."""
        faults = Faults(batch.num_rows, raw=self._raw)
        slots = judge_text(slot_batch(batch, self._columns), self._columns, self._coded, faults)
        screened = screen(slots, self._columns, faults=faults)
        fitting = builder.cut(screened.batch) or batch.num_rows
        if fitting < batch.num_rows:
            return self._add(batch.slice(0, fitting), ref, builder)
        shown = self._columns if self._raw else ()
        rejects = list(reject_rows(slots, screened.faults, shown, builder.next_row, [ref.file]))
        builder.add(batch.num_rows, screened.batch, rejects, screened.warnings)
        return fitting

    def _seek(self, ref: RowGroupRef) -> None:
        self._close()
        opened = column_file(ref.file, self._columns, [ref.row_group])
        self._file, self._coded = opened.file, opened.coded
        self._batches = self._file.iter_batches(
            self._batch_rows, row_groups=[ref.row_group], columns=names_of(self._columns), use_threads=False
        )
        left = ref.offset
        while left:
            left -= self._drop(self._next(left, ref.file).num_rows)

    def _next(self, rows: int, path: str) -> pa.RecordBatch:
        """The next rows, as many at most, which stay until they are dropped."""
        held = self._held if self._held is not None and self._held.num_rows else next(self._batches, None)
        if held is None:
            raise too_few_rows(path)
        self._held = held
        return held.slice(0, rows)

    def _drop(self, rows: int) -> int:
        self._held = None if self._held is None else self._held.slice(rows)
        return rows

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = self._held = self._at = None
