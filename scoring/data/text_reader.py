"""The reader of a file of text, by its format."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from scoring.core.columns import ColumnSpec
from scoring.core.options import CsvDialect
from scoring.core.source import FileFormat, InputFile
from scoring.data.csv_read import CsvReader
from scoring.data.jsonl_read import JsonReader

Reader: TypeAlias = CsvReader | JsonReader

_READERS: Mapping[FileFormat, type[Reader]] = {FileFormat.CSV: CsvReader, FileFormat.JSON_LINES: JsonReader}


def open_reader(file: InputFile, columns: Sequence[ColumnSpec], dialect: CsvDialect, *, raw: bool = True) -> Reader:
    """Raises InputRefused where a column is not there. raw: rejects may show values of the row."""
    return _READERS[file.format](file, columns, dialect, raw=raw)
