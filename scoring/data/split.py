"""The input as chunks, one after the other: streamed, in deterministic bounds, from any position on."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from scoring.core.chunks import Chunk
from scoring.core.columns import ColumnSpec
from scoring.core.options import CsvDialect
from scoring.core.source import FileFormat, InputFile, Position
from scoring.data.split_parquet import split_parquet
from scoring.data.split_text import split_text


def split(
    files: Sequence[InputFile],
    columns: Sequence[ColumnSpec],
    dialect: CsvDialect,
    *,
    chunk_rows: int,
    start: Position,
    work: Path,
    limit: int | None = None,
    whole_groups: bool = False,
    raw: bool = True,
    text_bytes: int | None = None,
) -> Iterator[tuple[Chunk, Position]]:
    """Yields each chunk once its file is whole, with the position behind it; the caller records both.

    chunk_rows: chunk i holds the rows [i * chunk_rows, (i + 1) * chunk_rows), unless
    text_bytes: a chunk that is written down ends early, with the row that brings its text to as many bytes.
    start: Position() or one that was yielded; the chunks behind it are the same either way.
    work: folder of the chunk files. limit: the first rows of the job only.
    raw: rejects may show values of their rows.
    whole_groups: Parquet row groups of a good size become chunks as they stand, small ones are joined.
    Without rows nothing is yielded; the last position's `row` is the number of rows read.
    Raises InputRefused, InputChanged, InputMissing, InputNotVisible.
    """
    if files[0].format is FileFormat.PARQUET:
        yield from split_parquet(
            files,
            columns,
            chunk_rows=chunk_rows,
            start=start,
            work=work,
            limit=limit,
            whole_groups=whole_groups,
            raw=raw,
            text_bytes=text_bytes,
        )
    else:
        yield from split_text(
            files,
            columns,
            dialect,
            chunk_rows=chunk_rows,
            start=start,
            work=work,
            limit=limit,
            raw=raw,
            text_bytes=text_bytes,
        )
