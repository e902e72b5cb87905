"""Whole records of a text file, as they stand in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from scoring.core.options import CsvDialect
from scoring.data.arrays import Ints
from scoring.data.csv_scan import comment_starts, has_special, line_ends, scan
from scoring.data.text_ends import Scan


@dataclass(frozen=True, kw_only=True)
class Block:
    """Records of CSV, and where they stand in the file. Other kinds of text say where theirs end."""

    text: bytes
    # Of the first byte, in the decoded text.
    offset: int
    # Physical lines before it in the file.
    line: int
    dialect: CsvDialect
    # Bytes of the one record that is too long to be read, of which `text` holds only the beginning; else None.
    oversized: int | None = None
    # Line ends in an oversized record.
    oversized_lines: int = 0

    # What the scan has found in it, where it had to be made to find the end.
    found: Scan | None = None

    @cached_property
    def scan(self) -> Scan:
        return self.found or scan(self.text, self.dialect)

    @cached_property
    def starts(self) -> Ints:
        """Where each row starts in `text`; blank lines and comments are no rows."""
        if self.oversized is not None:
            return np.zeros(1, np.int64)
        ends = self.scan.record_ends
        starts: Ints = np.concatenate([np.zeros(1, np.int64), ends])
        starts = starts[starts < len(self.text)]
        first = np.frombuffer(self.text, np.uint8)[starts]
        rows: Ints = starts[(first != 10) & (first != 13) & ~comment_starts(self.text, starts, self.dialect.comment)]
        return rows

    @cached_property
    def quoted(self) -> bool:
        return has_special(self.text, self.dialect)

    @cached_property
    def lines(self) -> int:
        """Line ends in the block."""
        if self.oversized is not None:
            return self.oversized_lines
        if self.found is not None:
            return len(self.found.line_ends)
        return len(line_ends(self.text)) if b"\r" in self.text else self.text.count(b"\n")

    @property
    def end(self) -> int:
        return self.offset + (len(self.text) if self.oversized is None else self.oversized)

    def place(self, row: int, rows: int) -> tuple[int, int]:
        """Offset in the file, and physical lines before it, of row `row` of `rows`; row == rows is the block's end."""
        if row == rows:
            return self.end, self.line + self.lines
        start = int(self.starts[row])
        return self.offset + start, self.line + int(np.searchsorted(self.scan.line_ends, start, "right"))

    def record(self, row: int) -> bytes:
        """The row as it stands in the file, with its line end."""
        start = int(self.starts[row])
        at = int(np.searchsorted(self.scan.record_ends, start, "right"))
        end = int(self.scan.record_ends[at]) if at < len(self.scan.record_ends) else len(self.text)
        return self.text[start:end]

    def raw(self, row: int) -> str:
        """The head of the row as it stands in the file, without its line end; bytes that are no UTF-8 as \\xNN."""
        return self.record(row)[:4_000].rstrip(b"\r\n").decode("utf-8", "backslashreplace")

    def rows_text(self, without: Sequence[int] = ()) -> bytes:
        """The text without its comment lines, and without the rows of these numbers."""
        mark = self.dialect.comment
        if not len(without) and (mark is None or mark.encode() not in self.text):
            return self.text
        bounds: Ints = np.unique(np.concatenate([[0], self.scan.record_ends, [len(self.text)]]))
        starts = bounds[:-1]
        dropped = np.flatnonzero(
            comment_starts(self.text, starts, mark) | np.isin(starts, self.starts[np.asarray(without, np.int64)])
        )
        kept = zip([0, *bounds[dropped + 1].tolist()], [*starts[dropped].tolist(), len(self.text)], strict=True)
        return b"".join(self.text[start:end] for start, end in kept)
