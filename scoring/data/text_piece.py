"""A block of text, read: its clean rows, and what is said of the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from scoring.core.chunks import WarningCount
from scoring.core.columns import ColumnSpec, RejectCode
from scoring.core.limits import MAX_RECORD_BYTES
from scoring.core.source import InputFile
from scoring.data.empty import slot_schema
from scoring.data.faults import Fault
from scoring.data.rejects import Reject
from scoring.data.text_block import Block
from scoring.data.warnings import Notes


@dataclass(frozen=True, kw_only=True)
class TextPiece:
    """One block, read: `rows` records, of which `batch` holds the clean ones."""

    file: str
    block: Block
    rows: int
    batch: pa.RecordBatch
    # In row order; `row` counts from the start of the block.
    faults: tuple[Fault, ...]
    # Of the rows of `batch`.
    notes: Notes
    # False: rejects show nothing of the row.
    raw: bool = True

    @cached_property
    def _fault_rows(self) -> list[int]:
        return [fault.row for fault in self.faults]

    def clean(self, start: int, stop: int) -> pa.RecordBatch:
        """The clean ones of the rows [start, stop)."""
        first, last = self._clean_bounds(start, stop)
        return self.batch.slice(first, last - first)

    def warnings(self, start: int, stop: int) -> tuple[WarningCount, ...]:
        """Of the clean ones of the rows [start, stop)."""
        return self.notes.counts(*self._clean_bounds(start, stop))

    def rejects(self, start: int, stop: int, first_row: int) -> list[Reject]:
        """The others; first_row: position of row `start` in the job's input."""
        return [
            Reject(
                row=first_row + fault.row - start,
                file=self.file,
                line=self.block.place(fault.row, self.rows)[1] + 1,
                column=fault.column,
                code=fault.code,
                reason=fault.reason,
                raw=self.block.raw(fault.row) if self.raw else "",
            )
            for fault in self.faults
            if start <= fault.row < stop
        ]

    def place(self, row: int) -> tuple[int, int]:
        """Offset in the file's text, and physical lines before it, of row `row`; `rows` is the end."""
        return self.block.place(row, self.rows)

    def _clean_bounds(self, start: int, stop: int) -> tuple[int, int]:
        if not self.faults:
            return start, stop
        first, last = (n - int(np.searchsorted(self._fault_rows, n)) for n in (start, stop))
        return first, last


def oversized_piece(file: InputFile, block: Block, columns: Sequence[ColumnSpec], *, raw: bool) -> TextPiece:
    """The one record of a block that is too long to be read: a reject."""
    fault = Fault(
        row=0,
        column="",
        code=RejectCode.CELL_TOO_LARGE,
        reason=f"the row takes {block.oversized} bytes; at most {MAX_RECORD_BYTES} are read",
    )
    schema = slot_schema([file], columns)
    batch = pa.RecordBatch.from_arrays([pa.nulls(0, slot.type) for slot in schema], schema=schema)
    return TextPiece(file=file.path, block=block, rows=1, batch=batch, faults=(fault,), notes=Notes(), raw=raw)
