"""The file of labels that a user named, as a stream of keys and labels in text."""

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from scoring.core.options import CsvDialect
from scoring.data.json_labels import is_json_lines, plain_lines
from scoring.data.label_files import KEY, LABEL, LabelColumns, find_file, labelled, read_labels, require_columns
from scoring.model.truth import LabelForm, label_texts
from scoring.pipeline.prepare import named_dialect
from scoring.query.json_labels import JsonLabels

_SCHEMA = pa.schema([(KEY, pa.string()), (LABEL, pa.string())])


@dataclass(frozen=True, kw_only=True)
class LabelRequest:
    """What the user wrote."""

    # Path of a CSV, Parquet or JSON lines file.
    file: str
    columns: LabelColumns
    # Of a CSV file; JSON lines heed its encoding alone.
    dialect: CsvDialect = field(default_factory=CsvDialect)
    # File that gets all unknown keys; None: they are counted alone.
    unknown_to: Path | None = None


def label_rows(
    request: LabelRequest, form: LabelForm, roots: tuple[str, ...], folder: Path
) -> Generator[pa.RecordBatch, None, None]:
    """Batches of `key` and `label`, both text; rows without a label are left out. At least one batch.

    folder: for a copy of JSON lines that are compressed. Raises InputMissing, InputRefused, UsageError.
    """
    yield pa.RecordBatch.from_arrays([pa.nulls(0, pa.string())] * 2, schema=_SCHEMA)
    with closing(_source(request, form, roots, folder)) as batches:
        for batch in batches:
            texts = label_texts(batch.column(LABEL), form)
            yield labelled(pa.RecordBatch.from_arrays([batch.column(KEY), texts], schema=_SCHEMA))


def path_of_labels(request: LabelRequest, roots: tuple[str, ...]) -> str:
    """Raises InputMissing, InputRefused, UsageError where it is not one file."""
    return request.file if is_json_lines(request.file) else find_file(request.file, roots).path


def _source(
    request: LabelRequest, form: LabelForm, roots: tuple[str, ...], folder: Path
) -> Generator[pa.RecordBatch, None, None]:
    columns = request.columns
    if not is_json_lines(request.file):
        file = find_file(request.file, roots)
        yield from read_labels(file, columns, named_dialect(request.dialect, [file]))
        return
    path = plain_lines(request.file, request.dialect.encoding, roots, folder)
    with JsonLabels(path, key=columns.key, label=columns.label, true=form.true, false=form.false) as lines:
        names = lines.names()
        if names:  # a file without an object has no names, and no labels either
            require_columns(request.file, columns, names)
        yield from lines.batches()
