"""CSV blocks to clean, typed batches.

A block is parsed straight into the types of the tensors. If a cell refuses, the block is parsed again as text and cast
column by column with masks: both ways say the same of every row, the first one is faster.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from scoring.core.columns import ColumnSpec, Dtype, RejectCode
from scoring.core.errors import AccountingBroken, InputRefused
from scoring.core.options import CsvDialect
from scoring.core.source import InputFile
from scoring.data.arrays import ARROW_TYPES, one_chunk, values_of
from scoring.data.cell_size import reject_too_large
from scoring.data.column_names import check_columns
from scoring.data.csv_blocks import read_blocks
from scoring.data.csv_header import Header, read_header
from scoring.data.csv_text import is_read_as_text, text_cells
from scoring.data.exact import has_large
from scoring.data.faults import Fault, Faults
from scoring.data.screen import screen
from scoring.data.text_block import Block
from scoring.data.text_encoding import decoded, is_utf8, masked
from scoring.data.text_piece import TextPiece, oversized_piece
from scoring.data.text_stream import open_text


class CsvReader:
    """One CSV file, opened for the columns of one job. Raises InputRefused where they are not there.

    raw: rejects may show values of the row.
    """

    def __init__(
        self, file: InputFile, columns: Sequence[ColumnSpec], dialect: CsvDialect, *, raw: bool = True
    ) -> None:
        self._file = file
        self._columns = columns
        self._dialect = dialect
        self._raw = raw
        self._header: Header = read_header(file, dialect)
        check_columns(file.path, self._header.names, columns, dialect.delimiter)
        # Columns go by number inside the parser: names may be empty or stand twice.
        self._numbers = {spec.slot: str(self._header.index(spec.name)) for spec in columns}
        self._types = _column_types(columns, self._numbers)
        self._text_types = dict.fromkeys(self._types, pa.binary())
        self._integers = any(pa.types.is_integer(wanted) for wanted in self._types.values())
        # Dirt comes in stretches: after a block that refused, the next one is not tried typed first.
        self._dirty = False

    def pieces(self, byte: int = 0, line: int = 0) -> Iterator[TextPiece]:
        """Pieces from a position on that an earlier piece gave; 0 is the first row."""
        if not byte:
            byte, line = self._header.offset, self._header.line
        with open_text(self._file, self._dialect.encoding, byte) as (text, _):
            for block in read_blocks(text, self._dialect, offset=byte, line=line, path=self._file.path):
                if block.oversized is not None:
                    yield oversized_piece(self._file, block, self._columns, raw=self._raw)
                    continue
                piece = self._read(block)
                self._dirty = self._dirty and bool(piece.faults)
                if piece.rows:
                    yield piece

    def _read(self, block: Block) -> TextPiece:
        text = block.rows_text()
        misfits = [] if is_utf8(text) else self._misfits(text, block.quoted)
        if misfits:
            text = block.rows_text(without=[fault.row for fault in misfits])
        # Rows are numbered with the misfits: if they are cut out, no others are found.
        table = self._table(text, block.quoted, misfits)
        rows = table.num_rows + len(misfits)
        if (misfits or block.quoted) and rows != len(block.starts):
            raise AccountingBroken(
                f"{self._file.path}, lines {block.line + 1} to {block.line + block.lines}: two readers disagree",
                expected=f"{len(block.starts)} rows",
                got=f"{rows}",
                remedy="say --quote and --escape as the file was written",
            )
        return self._screen(block, table, misfits)

    def _misfits(self, text: bytes, quoted: bool) -> list[Fault]:
        """Rows of a wrong length in text that is no UTF-8: the parser cannot hand out such a row, so none is left."""
        misfits: list[Fault] = []
        self._parse(masked(text), quoted, {"0": pa.binary()}, misfits)
        return misfits

    def _table(self, text: bytes, quoted: bool, misfits: list[Fault]) -> pa.Table:
        """The needed columns, typed or as bytes. Rows of a wrong length are added to `misfits`."""
        if not self._dirty and not self._hexadecimal(text):
            found: list[Fault] = []
            table = self._parse(text, quoted, self._types, found)
            if table is not None:
                misfits += found
                return self._with_large_as_text(table, text, quoted)
        self._dirty = True
        table = self._parse(text, quoted, self._text_types, misfits)
        if table is None:
            raise InputRefused(f"{self._file.path} does not parse as CSV", remedy="check --delimiter and --quote")
        return table

    def _with_large_as_text(self, table: pa.Table, text: bytes, quoted: bool) -> pa.Table:
        """Float columns so large that whole numbers are rounded go on as text, which tells what they were."""
        floats = [name for name, wanted in self._types.items() if pa.types.is_floating(wanted)]
        large = [name for name in floats if has_large(values_of(one_chunk(table.column(name))))]
        if not large or (again := self._parse(text, quoted, dict.fromkeys(large, pa.binary()), [])) is None:
            return table
        for name in large:
            table = table.set_column(table.schema.get_field_index(name), name, again.column(name))
        return table

    def _hexadecimal(self, text: bytes) -> bool:
        # The typed parser takes 0x1F for an integer.
        return self._integers and ((b"x" in text and b"0x" in text) or (b"X" in text and b"0X" in text))

    def _parse(self, text: bytes, quoted: bool, types: dict[str, pa.DataType], misfits: list[Fault]) -> pa.Table | None:
        """The needed columns, or None where a cell is not of its type. Rows of a wrong length go to `misfits`."""
        names = [str(number) for number in range(len(self._header.names))]
        if not text:
            return pa.schema(list(types.items())).empty_table()

        def misfit(row: pacsv.InvalidRow) -> str:
            misfits.append(_misfit(row.number - 1, row.actual_columns, row.expected_columns))
            return "skip"

        dialect = self._dialect
        try:
            return pacsv.read_csv(
                pa.BufferReader(text),
                # Row numbers of misfits are known on one thread only; one block, since the scan has cut it already.
                read_options=pacsv.ReadOptions(use_threads=False, block_size=len(text) + 1, column_names=names),
                parse_options=pacsv.ParseOptions(
                    delimiter=dialect.delimiter,
                    quote_char=dialect.quote if quoted else False,
                    escape_char=dialect.escape or False,
                    newlines_in_values=quoted,
                    invalid_row_handler=misfit,
                ),
                convert_options=pacsv.ConvertOptions(
                    column_types=types,
                    include_columns=list(types),
                    null_values=_null_values(dialect),
                    strings_can_be_null=False,
                    decimal_point=dialect.decimal,
                ),
            )
        except pa.ArrowInvalid:
            return None

    def _screen(self, block: Block, table: pa.Table, misfits: list[Fault]) -> TextPiece:
        known = Faults(table.num_rows, raw=self._raw)
        arrays = []
        cells: dict[str, pa.Array] = {}
        for spec in self._columns:
            number = self._numbers[spec.slot]
            if number not in cells:
                cells[number] = self._decode(one_chunk(table.column(number)), spec, known)
            array = cells[number]
            if is_read_as_text(spec):
                array = text_cells(reject_too_large(array, spec.name, known), spec, self._dialect)
            arrays.append(array)
        batch = pa.RecordBatch.from_arrays(arrays, names=[spec.slot for spec in self._columns])
        screened = screen(batch, self._columns, self._dialect, known)
        return TextPiece(
            file=self._file.path,
            block=block,
            rows=table.num_rows + len(misfits),
            batch=screened.batch,
            faults=_merge(screened.faults, misfits, table.num_rows),
            notes=screened.notes,
            raw=self._raw,
        )

    def _decode(self, array: pa.Array, spec: ColumnSpec, faults: Faults) -> pa.Array:
        if not pa.types.is_binary(array.type):
            return array
        return decoded(array, spec.name, self._dialect.encoding, faults)


def _column_types(columns: Sequence[ColumnSpec], numbers: dict[str, str]) -> dict[str, pa.DataType]:
    """Parser types by column number; text where two slots want different ones, or the parser has none (float16)."""
    types: dict[str, pa.DataType] = {}
    for spec in columns:
        wanted = _column_type(spec)
        number = numbers[spec.slot]
        types[number] = wanted if types.setdefault(number, wanted) == wanted else pa.string()
    return types


def _column_type(spec: ColumnSpec) -> pa.DataType:
    if spec.dtype is None or is_read_as_text(spec):
        return pa.string()
    if spec.conversion is not None:
        return pa.float64()
    return pa.string() if spec.dtype is Dtype.FLOAT16 else ARROW_TYPES[spec.dtype]


def _null_values(dialect: CsvDialect) -> list[str]:
    # With one blank before it as well: the usual ", " delimiter would send every such block the slow way.
    return ["", *dialect.na, *(f" {value}" for value in dialect.na if value.strip())]


def _misfit(row: int, cells: int, wanted: int) -> Fault:
    code = RejectCode.SHORT_ROW if cells < wanted else RejectCode.LONG_ROW
    return Fault(row=row, column="", code=code, reason=f"{cells} cells, the file has {wanted} columns")


def _merge(faults: Sequence[Fault], misfits: Sequence[Fault], parsed: int) -> tuple[Fault, ...]:
    """All faults in row order; those of the parsed rows are numbered without the misfits."""
    if not misfits:
        return tuple(faults)
    present = np.delete(np.arange(parsed + len(misfits)), [fault.row for fault in misfits])
    moved = [replace(fault, row=int(present[fault.row])) for fault in faults]
    return tuple(sorted([*moved, *misfits], key=lambda fault: fault.row))
