"""JSON lines to clean, typed batches.

A block is parsed straight into the types of the tensors. Where that fails it is read line by line, with every number as
it is spelled: both ways say the same of every row, the first one is faster.
"""

from collections.abc import Iterator, Sequence

import pyarrow as pa

from scoring.core.columns import ColumnSpec
from scoring.core.options import CsvDialect
from scoring.core.source import InputFile
from scoring.data.cell_size import reject_too_large
from scoring.data.faults import Faults
from scoring.data.jsonl_blocks import DIALECT, LineBlock, read_lines
from scoring.data.jsonl_cells import takes
from scoring.data.jsonl_rows import parse_rows, spelled_column
from scoring.data.jsonl_schema import check_members, read_head
from scoring.data.jsonl_typed import TypedParser
from scoring.data.screen import screen
from scoring.data.text_piece import TextPiece, oversized_piece
from scoring.data.text_stream import open_text


class JsonReader:
    """One file of JSON lines, opened for the columns of one job. Raises InputRefused where they are not there.

    dialect: its encoding, `na` and `trim` are heeded. raw: rejects may show values of the row.
    """

    def __init__(
        self, file: InputFile, columns: Sequence[ColumnSpec], dialect: CsvDialect, *, raw: bool = True
    ) -> None:
        self._file = file
        self._columns = columns
        self._dialect = dialect
        self._raw = raw
        head = read_head(file, dialect)
        check_members(head, columns)
        self._parser = TypedParser(columns, dialect)
        self._parser.learn(head.values)
        # Dirt comes in stretches: after a block that refused, the next one is not tried the fast way first.
        self._dirty = False

    def pieces(self, byte: int = 0, line: int = 0) -> Iterator[TextPiece]:
        """Pieces from a position on that an earlier piece gave; 0 is the first row."""
        with open_text(self._file, self._dialect.encoding, byte) as (text, start):
            for block in read_lines(text, offset=start, line=line):
                if block.oversized is not None:
                    yield oversized_piece(self._file, block, self._columns, raw=self._raw)
                elif len(block.starts):
                    yield self._read(block)

    def _read(self, block: LineBlock) -> TextPiece:
        known = Faults(len(block.starts), raw=self._raw)
        arrays = None if self._dirty else self._parser.arrays(block)
        refused = arrays is None
        if arrays is None:
            arrays = self._spelled(block, known)
        piece = self._screened(block, arrays, known)
        self._dirty = refused and bool(piece.faults)
        return piece

    def _spelled(self, block: LineBlock, known: Faults) -> list[pa.Array]:
        rows = parse_rows(block, known)
        self._parser.learn(rows.values)
        return [spelled_column(rows, spec, self._dialect, known) for spec in self._columns]

    def _screened(self, block: LineBlock, arrays: Sequence[pa.Array], known: Faults) -> TextPiece:
        for array, spec in zip(arrays, self._columns, strict=True):
            if spec.list_size is None and takes(spec).text:
                reject_too_large(array, spec.name, known)
        batch = pa.RecordBatch.from_arrays(arrays, names=[spec.slot for spec in self._columns])
        # The dialect is that of JSON: --decimal says how CSV spells numbers.
        screened = screen(batch, self._columns, DIALECT, known)
        return TextPiece(
            file=self._file.path,
            block=block,
            rows=len(block.starts),
            batch=screened.batch,
            faults=screened.faults,
            notes=screened.notes,
            raw=self._raw,
        )
