"""JSON lines in blocks of whole lines. Memory: two blocks and one line, whatever the file holds."""

import re
from collections.abc import Iterator
from functools import cached_property

import numpy as np

from scoring.core.limits import MAX_RECORD_BYTES
from scoring.core.options import CsvDialect
from scoring.data.arrays import Ints, Mask
from scoring.data.text_block import Block
from scoring.data.text_ends import Scan
from scoring.data.text_stream import BLOCK_BYTES, Text

DIALECT = CsvDialect()
"""JSON knows one way to write a number, whatever the options say of CSV."""

MAX_DEPTH = 100
"""Lists and objects in one another; a line that goes deeper is a bad value. Parsers that recurse end near 1 000."""

_LF, _CR = 10, 13
_BLANKS = b" \t\r\n"
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


class LineBlock(Block):
    """Lines, each of them a record: LF alone ends one, since CR and tabs are blanks in JSON."""

    @cached_property
    def scan(self) -> Scan:
        ends = np.flatnonzero(np.frombuffer(self.text, np.uint8) == _LF) + 1
        return Scan(line_ends=ends, record_ends=ends, quotes=np.empty(0, np.int64), swallowing=None)

    @cached_property
    def starts(self) -> Ints:
        """Where each row starts in `text`; blank lines are no rows."""
        if self.oversized is not None:
            return np.zeros(1, np.int64)
        starts = np.concatenate([np.zeros(1, np.int64), self.scan.record_ends])
        starts = starts[starts < len(self.text)]
        first = np.frombuffer(self.text, np.uint8)[starts]
        kept: Mask = first != _LF
        for line in np.flatnonzero(np.isin(first, np.frombuffer(b" \t\r", np.uint8))).tolist():
            end = starts[line + 1] if line + 1 < len(starts) else len(self.text)
            kept[line] = bool(self.text[starts[line] : end].strip(_BLANKS))
        found: Ints = starts[kept]
        return found

    @cached_property
    def lines(self) -> int:
        return self.oversized_lines if self.oversized is not None else len(self.scan.line_ends)

    def records(self) -> Iterator[bytes]:
        """The rows, without blanks around them."""
        at = np.searchsorted(self.scan.record_ends, self.starts, "right")
        ends = np.append(self.scan.record_ends, len(self.text))[at]
        for start, end in zip(self.starts.tolist(), ends.tolist(), strict=True):
            yield self.text[start:end].strip(_BLANKS)

    def objects(self) -> bool:
        """Whether each row begins and ends as an object does: only then does none of them reach into the next."""
        data = np.frombuffer(self.text, np.uint8)
        starts = self.starts
        at = np.searchsorted(self.scan.record_ends, starts, "right")
        last = np.append(self.scan.record_ends, len(self.text) + 1)[at] - 2
        last -= data[last] == _CR
        plain = (data[starts] == ord("{")) & (data[last] == ord("}"))
        odd = (self.record(row).strip(_BLANKS) for row in np.flatnonzero(~plain).tolist())
        return all(line.startswith(b"{") and line.endswith(b"}") for line in odd)

    def too_deep(self) -> bool:
        """Whether a row goes deeper than MAX_DEPTH."""
        data = np.frombuffer(self.text, np.uint8)
        opens = (data == ord("{")) | (data == ord("["))
        if np.count_nonzero(opens) < len(self.starts) + MAX_DEPTH:
            return False
        opening = np.add.reduceat(opens, self.starts, dtype=np.int64)
        return any(depth(self.record(row)) > MAX_DEPTH for row in np.flatnonzero(opening > MAX_DEPTH).tolist())


def depth(line: bytes) -> int:
    """How deep lists and objects stand in one another; of a line that is no JSON, any number."""
    data = np.frombuffer(_STRING.sub(b"", line), np.uint8)
    steps = np.isin(data, (ord("{"), ord("["))).astype(np.int64) - np.isin(data, (ord("}"), ord("]")))
    return int(np.cumsum(steps).max(initial=0))


def read_lines(text: Text, *, offset: int, line: int, block_bytes: int = BLOCK_BYTES) -> Iterator[LineBlock]:
    """Blocks from `offset` on, where a line starts. A line beyond MAX_RECORD_BYTES is a block of its own."""
    held = b""
    ended = False
    while not ended:
        data = text.read(block_bytes)
        ended = not data
        held = held + data if held else data
        if len(held) > MAX_RECORD_BYTES and not -1 < held.find(b"\n") <= MAX_RECORD_BYTES:
            block, held = _long_line(text, held, offset, line)
        else:
            cut = len(held) if ended else held.rfind(b"\n") + 1
            block, held = _block(held[:cut], offset, line), held[cut:]
        if block.end > offset:
            yield block
            offset, line = block.end, line + block.lines


def _block(text: bytes, offset: int, line: int) -> LineBlock:
    return LineBlock(text=text, offset=offset, line=line, dialect=DIALECT)


def _long_line(text: Text, held: bytes, offset: int, line: int) -> tuple[LineBlock, bytes]:
    """The first line of `held`, read to its end and dropped but for its head; and the text behind it."""
    head, size = held[:4_000], 0
    while (end := held.find(b"\n")) < 0:
        size += len(held)
        held = text.read(BLOCK_BYTES)
        if not held:
            break
    block = LineBlock(
        text=head,
        offset=offset,
        line=line,
        dialect=DIALECT,
        oversized=size + end + 1,
        oversized_lines=int(end >= 0),
    )
    return block, held[end + 1 :]
