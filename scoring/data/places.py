"""Where rows of a chunk stand in the files of the job: asked for the few that are rejected after the split."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from scoring.core.chunks import Chunk
from scoring.core.columns import ColumnSpec
from scoring.core.errors import InputNotVisible, InputRefused
from scoring.core.options import CsvDialect
from scoring.core.source import FileFormat, InputFile, Position
from scoring.data.fingerprints import check_unchanged
from scoring.data.parquet_read import group_rows
from scoring.data.text_reader import open_reader
from scoring.data.text_stream import can_seek

SOUGHT_BYTES = 2**28
"""Text that is unpacked once more for the line of a reject: for each chunk, so that its cost would grow with both."""


@dataclass(frozen=True, kw_only=True)
class Place:
    # "" where the chunk holds rows of several files, and it cannot be told which.
    file: str
    # 1-based physical line; None for Parquet, where the file is no longer what it was, and far inside packed text.
    line: int | None = None
    # The record as it stands there; None where `line` is.
    raw: str | None = None


@dataclass(frozen=True, kw_only=True)
class Split:
    """How a chunk was cut out of the job's input."""

    files: tuple[InputFile, ...]
    dialect: CsvDialect
    # Where the split stood before the chunk, and after it.
    start: Position
    end: Position
    # Any column that the files have.
    column: str


def places(chunk: Chunk, split: Split, rows: Sequence[int]) -> list[Place]:
    """Of each of these rows, ascending positions in the job's input.

    The lines of a text file are found by reading the chunk's stretch of it again, if it is still there and unchanged.
    """
    if chunk.refs:
        ends = np.cumsum([ref.length for ref in chunk.refs])
        found = np.searchsorted(ends, np.array(rows) - chunk.first_row, "right")
        return [Place(file=chunk.refs[ref].file) for ref in found.tolist()]
    look = _in_parquet if split.files[0].format is FileFormat.PARQUET else _in_text
    lone = split.start.file == split.end.file or len(split.files) == 1
    if not lone or not _is_far(split):
        try:
            return list(look(split, rows))
        except (InputRefused, InputNotVisible, OSError):
            pass  # the rows are in the chunk file: no input is needed to score and to reject them
    return [Place(file=split.files[split.start.file].path if lone else "")] * len(rows)


def _is_far(split: Split) -> bool:
    """Whether too much text lies before the chunk that must be unpacked, or decoded, to get there."""
    file = split.files[split.start.file]
    return split.start.byte > SOUGHT_BYTES and not can_seek(file, split.dialect.encoding)


def _in_parquet(split: Split, rows: Sequence[int]) -> Iterator[Place]:
    paths = [file.path for file in split.files[split.start.file : split.end.file + 1]]
    counts = [group_rows(path) for path in paths]
    taken = int(counts[0][: split.start.row_group].sum()) + split.start.row_in_group
    ends = split.start.row - taken + np.cumsum([int(count.sum()) for count in counts])
    for index in np.searchsorted(ends, np.array(rows), "right").tolist():
        yield Place(file=paths[index])


def _in_text(split: Split, rows: Sequence[int]) -> Iterator[Place]:
    found = 0
    position = split.start.row
    for index in range(split.start.file, split.end.file + 1):
        file = split.files[index]
        check_unchanged(file.fingerprint)
        reader = open_reader(file, [ColumnSpec(name=split.column, slot=split.column, dtype=None)], split.dialect)
        first = split.start if index == split.start.file else Position()
        for piece in reader.pieces(first.byte, first.line):
            here = bisect_left(rows, position + piece.rows, found)
            for row in rows[found:here]:
                line = piece.place(row - position)[1] + 1
                yield Place(file=file.path, line=line, raw=piece.block.raw(row - position))
            found = here
            if found == len(rows):
                return
            position += piece.rows
