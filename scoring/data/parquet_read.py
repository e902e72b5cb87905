"""Parquet inputs: row groups referenced as they stand, or streamed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scoring.core.chunks import Chunk, RowGroupRef, WarningCount
from scoring.core.columns import ColumnSpec
from scoring.core.errors import InputRefused
from scoring.data.arrays import Ints, one_batch
from scoring.data.faults import Fault, Faults, shown
from scoring.data.fingerprints import check_unchanged
from scoring.data.rejects import Reject, reject_batch
from scoring.data.screen import screen

BATCH_ROWS = 65_536


def parquet_file(path: str) -> pq.ParquetFile:
    """The caller closes it. Raises InputRefused where the footer is not that of a whole Parquet file."""
    try:
        return pq.ParquetFile(path, page_checksum_verification=True, pre_buffer=False)
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise InputRefused(
            f"{path} is no whole Parquet file",
            expected="a Parquet footer",
            got=str(error)[:200],
            remedy="export it again",
        ) from None


@contextmanager
def open_parquet(path: str) -> Iterator[pq.ParquetFile]:
    """As `parquet_file`, and closed."""
    with parquet_file(path) as file:
        yield file


def group_rows(path: str) -> Ints:
    """Rows of each row group."""
    with open_parquet(path) as file:
        metadata = file.metadata
        return np.array([metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)], np.int64)


def slot_batch(table: pa.Table | pa.RecordBatch, columns: Sequence[ColumnSpec]) -> pa.RecordBatch:
    """File columns as slots: a column that two specs name stands twice."""
    if isinstance(table, pa.Table):
        table = one_batch(table)
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
    tables = []
    for path, refs in groupby(chunk.refs, key=lambda ref: ref.file):
        with open_parquet(path) as file, damage_in_words(path):
            tables += [_read_ref(file, ref, columns) for ref in refs]
    for seen in chunk.fingerprints:
        check_unchanged(seen)
    batch = slot_batch(pa.concat_tables(tables), columns)
    screened = screen(batch, columns, faults=Faults(batch.num_rows, raw=raw))
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
    for fault in faults:
        yield Reject(
            row=first_row + fault.row,
            file=files[fault.row] if len(files) > 1 else files[0],
            line=None,
            column=fault.column,
            code=fault.code,
            reason=fault.reason,
            raw=", ".join(f"{spec.name}={shown(batch.column(spec.slot)[fault.row].as_py())}" for spec in columns),
        )


@contextmanager
def damage_in_words(path: str) -> Iterator[None]:
    """A page that does not decode, or whose checksum is wrong, is damage of the input."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise InputRefused(f"{path} is damaged", got=str(error)[:200], remedy="export it again") from None


def _read_ref(file: pq.ParquetFile, ref: RowGroupRef, columns: Sequence[ColumnSpec]) -> pa.Table:
    table = file.read_row_group(ref.row_group, columns=names_of(columns), use_threads=False)
    return table.select(names_of(columns)).slice(ref.offset, ref.length)


def _files(refs: Sequence[RowGroupRef]) -> list[str]:
    if len({ref.file for ref in refs}) == 1:
        return [refs[0].file]
    return [ref.file for ref in refs for _ in range(ref.length)]
