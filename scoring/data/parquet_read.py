"""Parquet inputs: row groups referenced as they stand, or streamed."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scoring.core.chunks import Chunk, RowGroupRef, WarningCount
from scoring.core.columns import ColumnSpec
from scoring.core.errors import InputRefused
from scoring.core.limits import MAX_FOOTER_ITEMS, MAX_FOOTER_STRING_BYTES
from scoring.data.arrays import Ints, one_batch
from scoring.data.faults import Fault, Faults, shown_rows
from scoring.data.fingerprints import check_unchanged
from scoring.data.parquet_footer import check_footer, check_metadata, counted_rows
from scoring.data.parquet_text import coded_columns, is_text, judge_text
from scoring.data.rejects import Reject, reject_batch
from scoring.data.screen import screen

BATCH_ROWS = 65_536


@dataclass(frozen=True, kw_only=True)
class ColumnFile:
    """A Parquet file opened for the columns of a job."""

    file: pq.ParquetFile
    # Text columns that come as dictionaries although the file's type is plain text.
    coded: frozenset[str]


def parquet_file(path: str) -> pq.ParquetFile:
    """The caller closes it. Raises InputRefused where the footer is not that of a whole Parquet file, or not sane."""
    check_footer(path)
    try:
        file = _open(path)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise InputRefused(
            f"{path} is no whole Parquet file",
            expected="a Parquet footer",
            got=str(error)[:200],
            remedy="export it again",
        ) from None
    try:
        check_metadata(path, file.metadata)
    except InputRefused:
        file.close()
        raise
    return file


def column_file(path: str, columns: Sequence[ColumnSpec], groups: Collection[int]) -> ColumnFile:
    """As `parquet_file`, for the rows of these row groups; the caller closes its file."""
    with ExitStack() as opened, damage_in_words(path):
        file = opened.enter_context(parquet_file(path))
        schema = file.schema_arrow  # each look makes it anew: 14 ms for 5 000 columns
        texts = [name for name in names_of(columns) if is_text(schema.field(name).type)]
        if not texts:
            opened.pop_all()
            return ColumnFile(file=file, coded=frozenset())
        words = opened.enter_context(_open(path, metadata=file.metadata, read_dictionary=texts))
        coded = coded_columns(words, columns, groups)
        return ColumnFile(file=_open(path, metadata=file.metadata, read_dictionary=sorted(coded)), coded=coded)


def _open(path: str, **more: Any) -> pq.ParquetFile:
    return pq.ParquetFile(
        path,
        page_checksum_verification=True,
        pre_buffer=False,
        thrift_string_size_limit=MAX_FOOTER_STRING_BYTES,
        thrift_container_size_limit=MAX_FOOTER_ITEMS,
        **more,
    )


@contextmanager
def open_parquet(path: str) -> Iterator[pq.ParquetFile]:
    """As `parquet_file`, and closed."""
    with parquet_file(path) as file:
        yield file


@contextmanager
def text_file(path: str) -> Iterator[pq.ParquetFile]:
    """As `open_parquet`, with every column of text as a dictionary: for a look at rows of any size."""
    with parquet_file(path) as file, damage_in_words(path):
        texts = [field.name for field in file.schema_arrow if is_text(field.type)]
        with _open(path, metadata=file.metadata, read_dictionary=texts) as coded:
            yield coded


def group_rows(path: str) -> Ints:
    """Rows of each row group."""
    with open_parquet(path) as file, damage_in_words(path):
        return np.array(counted_rows(path, file.metadata), np.int64)


def slot_batch(table: pa.Table | pa.RecordBatch, columns: Sequence[ColumnSpec]) -> pa.RecordBatch:
    """File columns as slots: a column that two specs name stands twice."""
    if isinstance(table, pa.Table):
        table = one_batch(table.unify_dictionaries())
    return pa.RecordBatch.from_arrays(
        [table.column(spec.name) for spec in columns], names=[spec.slot for spec in columns]
    )


def names_of(columns: Sequence[ColumnSpec]) -> list[str]:
    return list(dict.fromkeys(spec.name for spec in columns))


def read_refs(
    chunk: Chunk, columns: Sequence[ColumnSpec], *, raw: bool
) -> tuple[pa.RecordBatch, pa.RecordBatch | None, tuple[WarningCount, ...]]:
    """The clean rows behind a chunk's references, its rejects and its warnings. Raises InputChanged, InputRefused."""
    for seen in chunk.fingerprints:
        check_unchanged(seen)
    tables: list[pa.Table] = []
    coded: set[str] = set()
    for path, refs in groupby(chunk.refs, key=lambda ref: ref.file):
        found, names = _read_refs(path, list(refs), columns)
        tables += found
        coded |= names
    for seen in chunk.fingerprints:
        check_unchanged(seen)
    faults = Faults(sum(ref.length for ref in chunk.refs), raw=raw)
    with damage_in_words(chunk.refs[0].file):
        slots = slot_batch(pa.concat_tables([_coded(table, coded) for table in tables]), columns)
        batch = judge_text(slots, columns, coded, faults)
    screened = screen(batch, columns, faults=faults)
    if not screened.faults:
        return screened.batch, None, screened.warnings
    shown_columns = columns if raw else ()
    rejects = list(reject_rows(batch, screened.faults, shown_columns, chunk.first_row, _files(chunk.refs)))
    return screened.batch, reject_batch(rejects), screened.warnings


def reject_rows(
    batch: pa.RecordBatch, faults: Sequence[Fault], columns: Sequence[ColumnSpec], first_row: int, files: Sequence[str]
) -> Iterator[Reject]:
    """batch: the rows before screening, slots as columns. columns: those that `raw` shows.

    files: of each row, or one for all of them.
    """
    raws = shown_rows(batch, columns, (fault.row for fault in faults))
    for fault, raw in zip(faults, raws, strict=True):
        yield Reject(
            row=first_row + fault.row,
            file=files[fault.row] if len(files) > 1 else files[0],
            line=None,
            column=fault.column,
            code=fault.code,
            reason=fault.reason,
            raw=raw,
        )


@contextmanager
def damage_in_words(path: str) -> Iterator[None]:
    """A page that does not decode, or whose checksum is wrong, is damage of the input."""
    try:
        yield
    except pa.ArrowMemoryError:
        raise
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise InputRefused(f"{path} is damaged", got=str(error)[:200], remedy="export it again") from None


def too_few_rows(path: str) -> InputRefused:
    return InputRefused(
        f"{path} is damaged",
        expected="as many rows as its footer says",
        got="fewer in its pages",
        remedy="export it again",
    )


def _read_refs(
    path: str, refs: Sequence[RowGroupRef], columns: Sequence[ColumnSpec]
) -> tuple[list[pa.Table], frozenset[str]]:
    """The rows of each reference, and the columns that came as dictionaries."""
    opened = column_file(path, columns, {ref.row_group for ref in refs})
    with opened.file as file, damage_in_words(path):
        return [_read_ref(file, ref, columns) for ref in refs], opened.coded


def _read_ref(file: pq.ParquetFile, ref: RowGroupRef, columns: Sequence[ColumnSpec]) -> pa.Table:
    table = file.read_row_group(ref.row_group, columns=names_of(columns), use_threads=False)
    rows = table.select(names_of(columns)).slice(ref.offset, ref.length)
    if rows.num_rows != ref.length:
        raise too_few_rows(ref.file)
    return rows


def _coded(table: pa.Table, names: Collection[str]) -> pa.Table:
    """The table with these columns as dictionaries, as another file of the chunk has them."""
    for index, name in enumerate(table.column_names):
        if name in names and not pa.types.is_dictionary(table.column(index).type):
            table = table.set_column(index, name, table.column(index).dictionary_encode())
    return table


def _files(refs: Sequence[RowGroupRef]) -> list[str]:
    if len({ref.file for ref in refs}) == 1:
        return [refs[0].file]
    return [ref.file for ref in refs for _ in range(ref.length)]
