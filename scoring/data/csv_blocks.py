"""CSV text in blocks of whole records. Memory: two blocks and one record, whatever the file holds."""

from collections.abc import Iterator

import numpy as np

from scoring.core.errors import InputRefused
from scoring.core.limits import MAX_RECORD_BYTES
from scoring.core.options import CsvDialect
from scoring.data.arrays import Ints
from scoring.data.csv_scan import has_special, scan
from scoring.data.text_block import Block
from scoring.data.text_ends import Scan
from scoring.data.text_stream import BLOCK_BYTES, Text


def read_blocks(
    text: Text, dialect: CsvDialect, *, offset: int, line: int, path: str, block_bytes: int = BLOCK_BYTES
) -> Iterator[Block]:
    """Blocks from `offset` on, where a record starts. Raises InputRefused for a quote that swallows records."""
    held = b""
    ended = False
    while not ended:
        data = text.read(block_bytes)
        ended = not data
        held = held + data if held else data
        if len(held) > MAX_RECORD_BYTES:
            long = LongRecord(text, held, dialect, line=line, path=path)
            if long.size > MAX_RECORD_BYTES:
                yield (block := long.block(offset))
                offset, line, held = block.end, line + block.lines, long.rest
        cut, found = _cut(held, dialect, ended, line, path)
        if cut:
            yield (block := Block(text=held[:cut], offset=offset, line=line, dialect=dialect, found=found))
            offset, line, held = block.end, line + block.lines, held[cut:]


def _cut(held: bytes, dialect: CsvDialect, ended: bool, line: int, path: str) -> tuple[int, Scan | None]:
    """Bytes of whole records at the head of `held`, and what was found in them if it was scanned."""
    if not has_special(held, dialect):
        if ended:
            return len(held), None
        # A CR at the very end may be half of a CRLF.
        return held.rfind(b"\n") + 1 or held.rfind(b"\r", 0, max(0, len(held) - 1)) + 1, None
    found = scan(held, dialect)
    quote = found.open_quote if ended and found.swallowing is None else found.swallowing
    if quote is not None:
        raise unclosed(path, line + 1 + int(np.searchsorted(found.line_ends, quote, "right")))
    ends = _certain(found.record_ends, held)
    cut = len(held) if ended else int(ends[-1]) if len(ends) else 0
    return cut, found.head(cut)


class LongRecord:
    """The first record of `held`, read to its end although it does not fit into memory.

    What is behind it is dropped but for a stand-in of a few bytes, which leaves the scan in the same state.
    """

    def __init__(self, text: Text, held: bytes, dialect: CsvDialect, *, line: int, path: str) -> None:
        self._head = held[:4_000]
        self._dialect = dialect
        self._line = line
        self._path = path
        # Bytes of the record, and line ends in it.
        self.size = 0
        self.lines = 0
        # The text behind the record, as far as it was read.
        self.rest = held
        self._stand_in = b""
        self._quote_line = 0
        while not self._finish():
            data = text.read(BLOCK_BYTES)
            self.rest += data
            if not data:
                self._finish_at_end()
                return

    def block(self, offset: int) -> Block:
        return Block(
            text=self._head,
            offset=offset,
            line=self._line,
            dialect=self._dialect,
            oversized=self.size,
            oversized_lines=self.lines,
        )

    def _finish(self) -> bool:
        """True once the end of the record is in sight; else all but the last bytes are counted and dropped."""
        found = scan(self.rest, self._dialect)
        self._mark_quote(found)
        if found.swallowing is not None:
            raise unclosed(self._path, self._quote_line)
        ends = _certain(found.record_ends, self.rest)
        if len(ends):
            self._drop(int(ends[0]), found, b"")
            return True
        last = len(self.rest) - 1
        while last > 1 and self.rest[last - 1 : last] in (b"\r", (self._dialect.escape or "\r").encode()):
            last -= 1
        self._drop(last, found, self._state(found, last))
        return False

    def _finish_at_end(self) -> None:
        found = scan(self.rest, self._dialect)
        self._mark_quote(found)
        if found.open_quote is not None:
            raise unclosed(self._path, self._quote_line)
        self._drop(len(self.rest), found, b"")

    def _drop(self, end: int, found: Scan, stand_in: bytes) -> None:
        self.size += end - len(self._stand_in)
        self.lines += int(np.searchsorted(found.line_ends, end, "right")) - self._stand_in.count(b"\n")
        self.rest = stand_in + self.rest[end:]
        self._stand_in = stand_in

    def _state(self, found: Scan, end: int) -> bytes:
        """Text that brings a scan into the state in which `end` is reached."""
        quote = self._dialect.quote.encode()
        before = int(np.searchsorted(found.quotes, end))
        if before % 2:
            return quote + (b"\n" if np.searchsorted(found.line_ends, end, "right") else b"x")
        if before and found.quotes[before - 1] == end - 1:
            return quote + quote
        return (
            self._dialect.delimiter.encode() if self.rest[end - 1 : end] == self._dialect.delimiter.encode() else b"x"
        )

    def _mark_quote(self, found: Scan) -> None:
        quote = found.swallowing if found.swallowing is not None else found.open_quote
        if quote is not None and quote >= len(self._stand_in):
            passed = int(np.searchsorted(found.line_ends, quote, "right")) - self._stand_in.count(b"\n")
            self._quote_line = self._line + self.lines + passed + 1


def unclosed(path: str, line: int) -> InputRefused:
    return InputRefused(
        f"{path}, line {line}: the quote that opens a cell there is never closed",
        expected="a closing quote before the next delimiter or line end",
        got=f"a cell from line {line} on that swallows the lines behind it",
        remedy=f"correct line {line}, or name another --quote character",
    )


def _certain(ends: Ints, text: bytes) -> Ints:
    """Record ends without one at a final CR, which may be half of a CRLF."""
    return ends[:-1] if len(ends) and ends[-1] == len(text) and text.endswith(b"\r") else ends
