"""What an input is before its rows are read: files, columns, and a position to go on from."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from scoring.core.chunks import Fingerprint


class FileFormat(StrEnum):
    CSV = "csv"
    PARQUET = "parquet"
    JSON_LINES = "jsonl"


@dataclass(frozen=True, kw_only=True)
class InputFile:
    """One input file, found and fingerprinted at submit."""

    # Absolute path.
    path: str
    format: FileFormat
    fingerprint: Fingerprint
    # Of the whole file: gzip, zstd or bz2; None where it is plain (Parquet compresses inside).
    compression: str | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "InputFile":
        return cls(
            path=data["path"],
            format=FileFormat(data["format"]),
            fingerprint=Fingerprint(**data["fingerprint"]),
            compression=data["compression"],
        )


class ColumnKind(StrEnum):
    """What a file column can feed. A CSV column is TEXT until a spec gives it a type."""

    TEXT = "text"
    FLOAT = "float"
    INTEGER = "integer"
    BOOL = "bool"
    DECIMAL = "decimal"
    STRING = "string"
    # A date, time or both: feeds a model through `derive` alone.
    MOMENT = "moment"
    # Numbers, bool or text, in one axis or several.
    LIST = "list"
    # A member of JSON lines: what it holds is known cell by cell, and it feeds whatever the tensor wants, lists too.
    JSON = "json"
    OTHER = "other"

    @property
    def numeric(self) -> bool:
        return self in (ColumnKind.FLOAT, ColumnKind.INTEGER, ColumnKind.BOOL, ColumnKind.DECIMAL)


@dataclass(frozen=True, kw_only=True)
class FileColumn:
    name: str
    kind: ColumnKind
    # The file's own name of the type, for messages ("text", "double", "decimal128(10, 2)").
    type: str
    # Of a LIST: what its elements are, and the sizes of its axes, None where they may differ from row to row.
    element: ColumnKind | None = None
    dims: tuple[int | None, ...] = ()
    # CSV and JSON lines: every cell of the first records that is not null reads as a number. Serves the choice of
    # columns for a matrix input without names, never their type.
    looks_numeric: bool = False


@dataclass(frozen=True, kw_only=True)
class SourceSchema:
    """Columns of the input and what is known of its size without reading it."""

    # In the order of the first file.
    columns: tuple[FileColumn, ...]
    # Rows over all files; exact for Parquet and a few small files of text, else an estimate from the first block.
    rows: int
    rows_exact: bool
    # Bytes of all files on disk.
    bytes: int
    # First rows as text, column → cells, for `plan` (nulls, ranges); at most 1 000 rows.
    sample: Mapping[str, tuple[str | None, ...]]

    def column(self, name: str) -> FileColumn | None:
        """The first of that name."""
        return self._by_name.get(name)

    @cached_property
    def _by_name(self) -> Mapping[str, FileColumn]:
        return {column.name: column for column in reversed(self.columns)}


@dataclass(frozen=True, kw_only=True)
class Position:
    """Where the split goes on after a chunk. All counts are 0-based and of what is already done."""

    # Index of the file in the job's inputs.
    file: int = 0
    # CSV and JSON lines: offset in the decoded, decompressed text, in bytes; Parquet: 0.
    byte: int = 0
    # The same: physical lines already passed in this file.
    line: int = 0
    # Parquet: row group of the file, and rows already taken of it.
    row_group: int = 0
    row_in_group: int = 0
    # Rows of the whole job already passed, rejects counted: the first row of the next chunk.
    row: int = 0
    # Number of the next chunk.
    chunk: int = 0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Position":
        return cls(**data)
