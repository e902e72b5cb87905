"""The one chunk of an input without rows: its part tells the schema."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from scoring.core.chunks import Chunk
from scoring.core.columns import ColumnSpec
from scoring.core.source import FileFormat, InputFile
from scoring.data.chunk_files import write_chunk_file


def empty_chunk(files: Sequence[InputFile], columns: Sequence[ColumnSpec], work: Path) -> Chunk:
    """Write chunk 0 with no row and the slots of `columns`."""
    written = write_chunk_file(slot_schema(files, columns).empty_table(), work, "chunk-000000.parquet")
    return Chunk(chunk=0, first_row=0, rows=0, path=written.name, bytes=written.bytes, sha256=written.sha256)


def slot_schema(files: Sequence[InputFile], columns: Sequence[ColumnSpec]) -> pa.Schema:
    """The slots of `columns`, with the types that the rows of these files have in them."""
    known = pq.read_schema(files[0].path) if files[0].format is FileFormat.PARQUET else None
    return pa.schema([(spec.slot, _type(spec, known)) for spec in columns])


def _type(spec: ColumnSpec, known: pa.Schema | None) -> pa.DataType:
    if spec.dtype is None:
        return pa.string() if known is None else known.field(spec.name).type
    kind = pa.type_for_alias(spec.dtype)
    return pa.list_(kind, spec.list_size) if spec.list_size is not None else kind
