"""The rows of an input with all their columns, in order: what `--keep` would have carried of each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from scoring.core.columns import ColumnSpec
from scoring.core.errors import InputRefused
from scoring.core.options import CsvDialect
from scoring.core.source import FileFormat, InputFile
from scoring.data.arrays import Ints
from scoring.data.csv_header import read_header
from scoring.data.fingerprints import check_unchanged
from scoring.data.jsonl_schema import read_head
from scoring.data.parquet_read import BATCH_ROWS, damage_in_words, open_parquet
from scoring.data.text_reader import open_reader


@dataclass(frozen=True, kw_only=True)
class InputPiece:
    """The next rows of the input."""

    # Position behind the last of them.
    end: int
    # [n] int64 positions of the rows in `batch`, ascending. What is missing among them are rows that no job scores.
    rows: Ints
    batch: pa.RecordBatch


def input_schema(files: Sequence[InputFile], dialect: CsvDialect) -> pa.Schema:
    """All columns, in the order in which the files first name them; those of CSV and JSON lines are text.

    Raises InputRefused where a file has two columns of one name, or two files have types that do not go together.
    """
    schemas = [_file_schema(file, dialect) for file in files]
    try:
        return pa.unify_schemas(schemas, promote_options="permissive").remove_metadata()
    except pa.ArrowException as error:
        raise InputRefused(
            "the input files do not go together",
            expected="columns of one type in all of them",
            got=str(error)[:200],
            remedy="name files of one kind",
        ) from None


def read_input(
    files: Sequence[InputFile], schema: pa.Schema, dialect: CsvDialect, *, limit: int | None = None
) -> Iterator[InputPiece]:
    """Stream the columns of `schema`; a column that a file lacks is null there. Memory does not grow with the files.

    limit: the first rows only. Raises InputRefused, InputChanged.
    """
    row = 0
    for file in files:
        for rows, batch, count in _file_pieces(file, schema, dialect):
            if limit is not None and row + count > limit:
                kept = int(np.searchsorted(rows, limit - row))
                yield InputPiece(end=limit, rows=rows[:kept] + row, batch=batch.slice(0, kept))
                return
            yield InputPiece(end=row + count, rows=rows + row, batch=batch)
            row += count
        check_unchanged(file.fingerprint)


def _file_schema(file: InputFile, dialect: CsvDialect) -> pa.Schema:
    if file.format is FileFormat.PARQUET:
        with open_parquet(file.path) as parquet, damage_in_words(file.path):
            schema = parquet.schema_arrow
    else:
        schema = pa.schema([(name, pa.string()) for name in _text_names(file, dialect)])
    twice = sorted({name for name in schema.names if schema.names.count(name) > 1})
    if twice:
        raise InputRefused(
            f"{file.path} has columns of the same name",
            expected="each once",
            got=", ".join(map(repr, twice)),
            remedy="rename one of them",
        )
    return schema


def _file_pieces(file: InputFile, schema: pa.Schema, dialect: CsvDialect) -> Iterator[tuple[Ints, pa.RecordBatch, int]]:
    """(positions within the piece, their rows, rows of the piece)."""
    parquet = file.format is FileFormat.PARQUET
    pieces = _parquet_pieces(file, schema) if parquet else _text_pieces(file, schema, dialect)
    for rows, batch, count in pieces:
        columns = [_conformed(batch, field) for field in schema]
        yield rows, pa.RecordBatch.from_arrays(columns, schema=schema), count


def _text_names(file: InputFile, dialect: CsvDialect) -> tuple[str, ...]:
    if file.format is FileFormat.JSON_LINES:
        return read_head(file, dialect).names
    return read_header(file, dialect).names


def _text_pieces(file: InputFile, schema: pa.Schema, dialect: CsvDialect) -> Iterator[tuple[Ints, pa.RecordBatch, int]]:
    names = _text_names(file, dialect)
    # One column at least, whoever wants it: rows are counted by reading.
    wanted = [name for name in names if name in schema.names] or list(names[:1])
    columns = [ColumnSpec(name=name, slot=name, dtype=None) for name in wanted]
    for piece in open_reader(file, columns, dialect).pieces():
        rows = np.arange(piece.rows, dtype=np.int64)
        yield np.delete(rows, [fault.row for fault in piece.faults]), piece.batch, piece.rows


def _parquet_pieces(file: InputFile, schema: pa.Schema) -> Iterator[tuple[Ints, pa.RecordBatch, int]]:
    with open_parquet(file.path) as parquet, damage_in_words(file.path):
        wanted = [name for name in parquet.schema_arrow.names if name in schema.names]
        for batch in parquet.iter_batches(BATCH_ROWS, columns=wanted, use_threads=False):
            yield np.arange(batch.num_rows, dtype=np.int64), batch, batch.num_rows


def _conformed(batch: pa.RecordBatch, field: pa.Field) -> pa.Array:
    if field.name not in batch.schema.names:
        return pa.nulls(batch.num_rows, field.type)
    column = batch.column(field.name)
    return column if column.type == field.type else column.cast(field.type)
