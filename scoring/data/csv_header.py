"""The names of a CSV file's columns, and where its rows begin."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain

from scoring.core.errors import InputRefused, UsageError
from scoring.core.limits import MAX_HEADER_BYTES
from scoring.core.options import CsvDialect
from scoring.core.source import InputFile
from scoring.data.column_names import check_width
from scoring.data.csv_blocks import read_blocks
from scoring.data.csv_scan import line_ends
from scoring.data.text_block import Block
from scoring.data.text_encoding import masked, shown_encoding
from scoring.data.text_stream import BLOCK_BYTES, Text, open_text

csv.field_size_limit(2**24)


@dataclass(frozen=True, kw_only=True)
class Header:
    """Names in file order; where the rows start: offset in the decoded text, and physical lines before them."""

    names: tuple[str, ...]
    offset: int
    line: int

    def index(self, name: str) -> int:
        return self.names.index(name)


def read_header(file: InputFile, dialect: CsvDialect) -> Header:
    """Raises InputRefused for an empty file, UTF-16, names in a wrong number, and more columns or a longer header than
    the limits allow; UsageError for a wide delimiter.
    """
    _check_marks(dialect)
    with _first_block(file, dialect) as (block, offset, line):
        if block is None or not len(block.starts):
            if not dialect.header:
                return Header(names=dialect.columns, offset=offset, line=line)
            raise InputRefused(
                f"{file.path} is empty", expected="a header line", got="no line", remedy="check its export"
            )
        # Without a header, a byte that is no text costs the first row, not the file.
        first = block if dialect.header else replace(block, text=masked(block.text))
        _check_length(file.path, len(first.record(0)) if first.oversized is None else first.oversized)
        cells = split_record(first, 0, dialect, file.path)
        check_width(file.path, len(cells))
        if dialect.header:
            start, passed = block.place(1, len(block.starts))
            return Header(names=tuple(cells), offset=start, line=passed)
        if len(cells) != len(dialect.columns):
            raise InputRefused(
                f"{file.path}: --columns does not fit",
                expected=f"{len(cells)} names, one for each cell of the first row",
                got=f"{len(dialect.columns)} names",
                remedy="name every column of the file in order",
            )
        return Header(names=dialect.columns, offset=block.offset, line=block.line)


def split_record(block: Block, row: int, dialect: CsvDialect, path: str) -> list[str]:
    """The cells of one row. Raises InputRefused where it is no text in the declared encoding."""
    record = block.record(row)
    try:
        text = record.decode()
    except UnicodeDecodeError as error:
        raise InputRefused(
            f"{path} is not {shown_encoding(dialect.encoding)}",
            expected=f"{shown_encoding(dialect.encoding)} in its first line",
            got=f"byte 0x{record[error.start]:02x} at offset {block.offset + int(block.starts[row]) + error.start}",
            remedy="say --encoding latin-1, or what it was written in",
        ) from None
    if "\x00" in text[:200]:
        raise InputRefused(
            f"{path} is no CSV",
            expected="text",
            got="NUL characters in its first line",
            remedy="say --encoding utf-16?",
        )
    return parse_record(text, dialect)


def parse_record(text: str, dialect: CsvDialect) -> list[str]:
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=dialect.delimiter,
        quotechar=dialect.quote,
        escapechar=dialect.escape,
        doublequote=True,
    )
    return next(reader, [])


def _check_length(path: str, bytes: int) -> None:
    if bytes > MAX_HEADER_BYTES:
        raise InputRefused(
            f"{path}: its first line is too long",
            expected=f"at most {MAX_HEADER_BYTES:,} bytes",
            got=f"{bytes:,}",
            remedy="is it CSV at all?",
        )


def _check_marks(dialect: CsvDialect) -> None:
    """Quotes and delimiters are looked for byte by byte; each must mean one thing."""
    for name in ("delimiter", "quote", "escape", "decimal"):
        mark = getattr(dialect, name)
        if mark is not None and (not mark.isascii() or mark in "\r\n\0"):
            raise UsageError(
                f"--{name}",
                expected="an ASCII character that ends no line",
                got=repr(mark),
                remedy="convert the file first",
            )
    for name, others in (("escape", ("delimiter", "quote")), ("comment", ("delimiter", "quote", "escape"))):
        for other in others:
            if getattr(dialect, name) is not None and getattr(dialect, name) == getattr(dialect, other):
                raise UsageError(
                    f"--{name}",
                    expected=f"another character than --{other}",
                    got=repr(getattr(dialect, name)),
                    remedy=f"leave --{name} out, or change one of them",
                )


@contextmanager
def _first_block(file: InputFile, dialect: CsvDialect) -> Iterator[tuple[Block | None, int, int]]:
    """The first block with a row in it, and the offset and line where reading began."""
    with open_text(file, dialect.encoding, 0) as (text, start):
        rest, skipped = skip_lines(text, dialect.skip_lines)
        offset = start + skipped
        blocks = read_blocks(rest, dialect, offset=offset, line=dialect.skip_lines, path=file.path)
        found = next((block for block in blocks if len(block.starts)), None)
        yield found, offset, dialect.skip_lines


class _Chained:
    def __init__(self, head: bytes, rest: Text) -> None:
        self._parts = chain([head] if head else [], iter(lambda: rest.read(BLOCK_BYTES), b""))

    def read(self, size: int, /) -> bytes:
        return next(self._parts, b"")


def skip_lines(text: Text, count: int) -> tuple[Text, int]:
    """The text behind the first `count` physical lines, and the bytes passed."""
    head, passed = text.read(BLOCK_BYTES), 0
    while count and head:
        ends = line_ends(head)
        # A CR at the very end may be half of a CRLF.
        if head.endswith(b"\r") and len(ends) <= count and (more := text.read(BLOCK_BYTES)):
            head += more
            continue
        cut = int(ends[count - 1]) if count <= len(ends) else len(head)
        count = max(0, count - len(ends))
        passed, head = passed + cut, head[cut:] or text.read(BLOCK_BYTES)
    return _Chained(head, text), passed
