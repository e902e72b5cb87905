"""What an input is before its rows are read: columns, size, and the first rows as text."""

from collections import Counter
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from scoring.core.columns import ColumnSpec, Dtype
from scoring.core.errors import InputRefused
from scoring.core.options import CsvDialect
from scoring.core.source import ColumnKind, FileColumn, FileFormat, InputFile, SourceSchema
from scoring.data.arrays import text_array
from scoring.data.arrow_types import file_column
from scoring.data.cast import cast_text
from scoring.data.column_names import check_columns
from scoring.data.csv_blocks import read_blocks
from scoring.data.csv_header import parse_record, read_header
from scoring.data.jsonl_schema import check_members, describe_json, read_head
from scoring.data.parquet_read import damage_in_words, group_rows, open_parquet, text_file
from scoring.data.parquet_text import is_text, text_of
from scoring.data.text_block import Block
from scoring.data.text_stream import is_soon_counted, open_text, unpacked_size

SAMPLE_ROWS = 1_000
_TEXT_BYTES = 16
# Rows of lists that are looked at in one go, and bytes with which a sample ends early.
_NESTED_ROWS = 50
_SAMPLE_BYTES = 2**26


def describe(files: Sequence[InputFile], dialect: CsvDialect) -> SourceSchema:
    """Columns of the first file, rows over all of them.

    Raises InputRefused for an empty or damaged file, for UTF-16, and where formats are mixed.
    """
    formats = {file.format for file in files}
    if len(formats) > 1:
        raise InputRefused(
            "files of several formats in one job",
            expected="one format",
            got=", ".join(next(file.path for file in files if file.format is found) for found in sorted(formats)),
            remedy="submit one job for each",
        )
    match files[0].format:
        case FileFormat.CSV:
            return _describe_csv(files, dialect)
        case FileFormat.JSON_LINES:
            return describe_json(files, dialect)
        case FileFormat.PARQUET:
            return _describe_parquet(files)


def check_files(files: Sequence[InputFile], columns: Sequence[ColumnSpec], dialect: CsvDialect) -> None:
    """Raises InputRefused where a file lacks a needed column, has it twice, or with another type than the first."""
    if files[0].format is FileFormat.CSV:
        for file in files:
            check_columns(file.path, read_header(file, dialect).names, columns, dialect.delimiter)
        return
    if files[0].format is FileFormat.JSON_LINES:
        for file in files:
            check_members(read_head(file, dialect), columns)
        return
    first: dict[str, str] = {}
    for file in files:
        with open_parquet(file.path) as parquet:
            fields = list(parquet.schema_arrow)
        check_columns(file.path, [field.name for field in fields], columns, dialect.delimiter)
        types = {field.name: str(field.type) for field in fields}
        for spec in columns:
            if types[spec.name] != first.setdefault(spec.name, types[spec.name]):
                raise InputRefused(
                    f"column {spec.name} has different types",
                    expected=f"{first[spec.name]} as in {files[0].path}",
                    got=f"{types[spec.name]} in {file.path}",
                    remedy="write the files with one schema",
                )


def decoded_row_bytes(schema: SourceSchema, columns: Sequence[ColumnSpec]) -> int:
    """Bytes that a row of the clean batch takes in memory; text is measured in the sample."""
    return sum(_cell_bytes(schema, spec) for spec in columns)


def _cell_bytes(schema: SourceSchema, spec: ColumnSpec) -> int:
    if spec.dtype is not None and spec.dtype.bytes is not None:
        return spec.dtype.bytes * (spec.list_size or 1)
    cells = [cell for cell in schema.sample.get(spec.name, ()) if cell is not None]
    return 4 + (sum(map(len, cells)) // len(cells) + 1 if cells else _TEXT_BYTES)


def _describe_csv(files: Sequence[InputFile], dialect: CsvDialect) -> SourceSchema:
    header = read_header(files[0], dialect)
    for file in files[1:]:
        read_header(file, dialect)
    block = next((block for block in _blocks(files[0], dialect) if len(block.starts)), None)
    cells = _sample(block, dialect, len(header.names)) if block is not None else [[] for _ in header.names]
    counted = 0 if block is None and len(files) == 1 else _counted(files, dialect)
    return SourceSchema(
        columns=tuple(
            FileColumn(name=name, kind=ColumnKind.TEXT, type="text", looks_numeric=_looks_numeric(cells[i], dialect))
            for i, name in enumerate(header.names)
        ),
        rows=_estimate(files, block) if counted is None else counted,
        rows_exact=counted is not None,
        bytes=sum(file.fingerprint.size for file in files),
        sample={name: tuple(cells[i]) for i, name in enumerate(header.names)},
    )


def _counted(files: Sequence[InputFile], dialect: CsvDialect) -> int | None:
    """Rows of all files; None where it would take long to count them, or one cannot be read: the split says so."""
    if not is_soon_counted(files):
        return None
    try:
        return sum(len(block.starts) for file in files for block in _blocks(file, dialect))
    except InputRefused:
        return None


def _blocks(file: InputFile, dialect: CsvDialect) -> Iterator[Block]:
    header = read_header(file, dialect)
    with open_text(file, dialect.encoding, header.offset) as (text, _):
        yield from read_blocks(text, dialect, offset=header.offset, line=header.line, path=file.path)


def _estimate(files: Sequence[InputFile], block: Block | None) -> int:
    """Rows of all files, as many to the byte as in the first block of the first one."""
    if block is None:
        return 0
    rows = len(block.starts)
    return max(rows, round(unpacked_size(files) / max(1, len(block.text)) * rows))


def _sample(block: Block, dialect: CsvDialect, width: int) -> list[list[str | None]]:
    """Cells of the first rows, by column; rows of another length are left out."""
    rows = []
    for row in range(min(SAMPLE_ROWS, len(block.starts))):
        cells = parse_record(block.record(row).decode("utf-8", "backslashreplace"), dialect)
        if len(cells) == width:
            rows.append(cells)
    return [[None if row[i] in dialect.na else row[i] for row in rows] for i in range(width)]


def _looks_numeric(cells: Sequence[str | None], dialect: CsvDialect) -> bool:
    return not cast_text(text_array([cell or "" for cell in cells]), Dtype.FLOAT64, dialect).bad.any()


def _describe_parquet(files: Sequence[InputFile]) -> SourceSchema:
    rows = sum(int(group_rows(file.path).sum()) for file in files)
    with open_parquet(files[0].path) as parquet, damage_in_words(files[0].path):
        schema = parquet.schema_arrow
        twice = [name for name, count in Counter(schema.names).items() if count > 1]
    sample = {} if twice else _parquet_sample(files[0].path)
    return SourceSchema(
        columns=tuple(file_column(field) for field in schema),
        rows=rows,
        rows_exact=True,
        bytes=sum(file.fingerprint.size for file in files),
        sample=sample,
    )


def _parquet_sample(path: str) -> dict[str, tuple[str | None, ...]]:
    """Cells of the first rows, by column: fewer where they are huge."""
    with text_file(path) as parquet, damage_in_words(path):
        cells: dict[str, tuple[str | None, ...]] = dict.fromkeys(parquet.schema_arrow.names, ())
        nested = any(pa.types.is_nested(field.type) for field in parquet.schema_arrow)
        step = _NESTED_ROWS if nested else SAMPLE_ROWS
        rows, size = 0, 0
        for batch in parquet.iter_batches(step, use_threads=False):
            for name in cells:
                cells[name] += _as_text(batch.column(name))
            rows, size = rows + batch.num_rows, size + batch.nbytes
            if rows >= SAMPLE_ROWS or size >= _SAMPLE_BYTES:
                break
    return cells


def _as_text(array: pa.Array) -> tuple[str | None, ...]:
    if is_text(array.type):
        return text_of(array)
    try:
        return tuple(pc.cast(array, pa.string()).to_pylist())
    except pa.ArrowException:
        return tuple(None if value is None else str(value) for value in array.to_pylist())
