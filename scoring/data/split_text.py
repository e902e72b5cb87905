"""Files of text, CSV or JSON lines, to chunk files."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from scoring.core.chunks import Chunk
from scoring.core.columns import ColumnSpec
from scoring.core.options import CsvDialect
from scoring.core.source import InputFile, Position
from scoring.data.chunk_builder import ChunkBuilder
from scoring.data.fingerprints import check_unchanged
from scoring.data.text_piece import TextPiece
from scoring.data.text_reader import open_reader


def split_text(
    files: Sequence[InputFile],
    columns: Sequence[ColumnSpec],
    dialect: CsvDialect,
    *,
    chunk_rows: int,
    start: Position,
    work: Path,
    limit: int | None,
    raw: bool,
    text_bytes: int | None,
) -> Iterator[tuple[Chunk, Position]]:
    """See `split`."""
    builder = ChunkBuilder(
        columns, work, chunk_rows=chunk_rows, chunk=start.chunk, row=start.row, limit=limit, text_bytes=text_bytes
    )
    end = start
    for index in range(start.file, len(files)):
        if builder.at_limit():
            break
        file = files[index]
        check_unchanged(file.fingerprint)
        reader = open_reader(file, columns, dialect, raw=raw)
        first = start if index == start.file else Position()
        for piece in reader.pieces(first.byte, first.line):
            for taken in _fill(builder, piece):
                end = _position(index, piece, taken, builder)
                if builder.room == 0 and builder.rows:
                    check_unchanged(file.fingerprint)
                    yield builder.finish(), end
            if builder.at_limit():
                break
        check_unchanged(file.fingerprint)
    if builder.rows:
        yield builder.finish(), end


def _fill(builder: ChunkBuilder, piece: TextPiece) -> Iterator[int]:
    """Adds the piece to chunks; yields the rows taken of it each time that a chunk is full, or the piece empty."""
    taken = 0
    while taken < piece.rows and builder.room:
        stop = min(piece.rows, taken + builder.room)
        # With rejects among them these are too few to fill the chunk, and the next ones follow.
        stop = taken + (builder.cut(piece.clean(taken, stop)) or stop - taken)
        rejects = piece.rejects(taken, stop, builder.next_row)
        builder.add(stop - taken, piece.clean(taken, stop), rejects, piece.warnings(taken, stop))
        taken = stop
        yield taken


def _position(index: int, piece: TextPiece, taken: int, builder: ChunkBuilder) -> Position:
    byte, line = piece.place(taken)
    return Position(file=index, byte=byte, line=line, row=builder.next_row, chunk=builder.chunk + 1)
