"""Files of labels, read as a stream of keys and labels whatever their format."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from scoring.core.columns import ColumnSpec
from scoring.core.errors import InputRefused, UsageError
from scoring.core.options import CsvDialect
from scoring.core.source import FileFormat, InputFile
from scoring.data.arrays import bool_array, values_of
from scoring.data.csv_header import read_header
from scoring.data.csv_read import CsvReader
from scoring.data.inputs import expand_inputs
from scoring.data.label_keys import key_texts, plain_values
from scoring.data.parquet_read import BATCH_ROWS, damage_in_words, open_parquet
from scoring.data.text_piece import TextPiece

KEY, LABEL = "key", "label"
"""Columns of the batches: the key as text, the label in the file's own type."""

STDIN = "-"

_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class LabelColumns:
    """Names of the two columns in the file; that of the key is the one of the job, or ``_row``."""

    key: str
    label: str

    def __post_init__(self) -> None:
        if self.key == self.label:
            raise UsageError("--label", expected="another column than --key", got=self.label, remedy="name both")


def find_file(argument: str, roots: Sequence[str]) -> InputFile:
    """The one CSV or Parquet file of `argument`. Raises InputMissing, InputRefused, UsageError for several."""
    if argument == STDIN and not Path(argument).exists():
        raise InputRefused(
            "labels are not read from standard input",
            expected="a file",
            got=STDIN,
            remedy="write them to a file and name it",
        )
    files = expand_inputs((argument,), roots=roots)
    if len(files) > 1:
        raise UsageError(
            "one file of labels at a time", expected="a file", got=f"{len(files)} files", remedy="attach each by itself"
        )
    if files[0].format is FileFormat.JSON_LINES:
        raise UsageError("JSON lines of labels", expected="the file", got=argument, remedy=f"name {files[0].path}")
    return files[0]


def read_labels(file: InputFile, columns: LabelColumns, dialect: CsvDialect) -> Iterator[pa.RecordBatch]:
    """Batches of `key` (text) and `label` (as the file has it; text in CSV), in file order.

    Raises InputRefused where a column is not there or a row cannot be read: a label is never left out in silence.
    """
    if file.format is FileFormat.CSV:
        return _read_csv(file, columns, dialect)
    return _read_parquet(file, columns)


def require_columns(path: str, columns: LabelColumns, names: Sequence[str]) -> None:
    """Raises InputRefused where the file lacks one of the columns, or has it twice."""
    for wanted in (columns.key, columns.label):
        found = Counter(names)[wanted]
        if found == 1:
            continue
        close = get_close_matches(wanted, names, n=1)
        raise InputRefused(
            f"{path} has {'no column' if not found else 'several columns'} {wanted!r}",
            expected=f"the columns {columns.key!r} and {columns.label!r}, each once",
            got=", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else ""),
            remedy=f"did you mean {close[0]!r}?" if close and not found else "check --key, --label and --delimiter",
        )


def _read_csv(file: InputFile, columns: LabelColumns, dialect: CsvDialect) -> Iterator[pa.RecordBatch]:
    require_columns(file.path, columns, read_header(file, dialect).names)
    specs = [
        ColumnSpec(name=columns.key, slot=KEY, dtype=None),
        ColumnSpec(name=columns.label, slot=LABEL, dtype=None),
    ]
    for piece in CsvReader(file, specs, dialect).pieces():
        _check(file.path, piece)
        yield piece.batch


def _check(path: str, piece: TextPiece) -> None:
    if piece.faults:
        fault, more = piece.faults[0], len(piece.faults) - 1
        raise InputRefused(
            f"{path}, line {piece.place(fault.row)[1] + 1}: {fault.reason}",
            expected="a row with a key and a label",
            got=fault.code + (f", and {more} more such in this stretch" if more else ""),
            remedy="correct the file: no label is left out in silence",
        )


def _read_parquet(file: InputFile, columns: LabelColumns) -> Iterator[pa.RecordBatch]:
    path = file.path
    with open_parquet(path) as parquet, damage_in_words(path):
        schema = parquet.schema_arrow
        require_columns(path, columns, schema.names)
        for name in (columns.key, columns.label):
            _require_plain(path, schema.field(name))
        names = [columns.key, columns.label]
        for batch in parquet.iter_batches(BATCH_ROWS, columns=names, use_threads=False):
            key, label = (plain_values(batch.column(name)) for name in names)
            yield pa.RecordBatch.from_arrays([key_texts(key), label], names=[KEY, LABEL])


def _require_plain(path: str, field: pa.Field) -> None:
    if pa.types.is_nested(field.type) or pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type):
        raise InputRefused(
            f"{path}: column {field.name!r} can be neither key nor label",
            expected="numbers, texts, dates or booleans",
            got=str(field.type),
            remedy="write the column as one of these",
        )


def labelled(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The rows whose label is not null."""
    if batch.column(LABEL).null_count == 0:
        return batch
    return batch.filter(bool_array(values_of(pc.is_valid(batch.column(LABEL)))))
