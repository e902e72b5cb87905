"""Is the footer of a Parquet file one that a reader may trust with its memory?"""

import os
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

from scoring.core.columns import ColumnSpec
from scoring.core.errors import InputRefused
from scoring.core.limits import FREE_ELEMENTS, MAX_FOOTER_BYTES, MAX_LIST_RATIO, MAX_ROW_GROUPS, MAX_SAMPLED_ELEMENTS
from scoring.data.csv_header import check_width

_MAGIC = b"PAR1"
# Row groups from which a sample is taken at most.
_LOOKED_AT = 1_000


def check_footer(path: str) -> None:
    """Raises InputRefused for a footer that would take too much to read. One that is none is left to the reader."""
    with Path(path).open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 8))
        tail = file.read(8)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] == _MAGIC and MAX_FOOTER_BYTES < length < size:
        raise _refused(path, f"a footer of at most {MAX_FOOTER_BYTES:,} bytes", f"{length:,}")


def check_metadata(path: str, metadata: pq.FileMetaData) -> None:
    """Raises InputRefused for too many columns or row groups."""
    check_width(path, metadata.num_columns)
    if metadata.num_row_groups > MAX_ROW_GROUPS:
        raise _refused(path, f"at most {MAX_ROW_GROUPS:,} row groups", f"{metadata.num_row_groups:,}")


def counted_rows(path: str, metadata: pq.FileMetaData) -> list[int]:
    """Rows of each row group. Raises InputRefused where they contradict the rows of the file."""
    rows = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    if min(rows, default=0) < 0 or sum(rows) != metadata.num_rows:
        raise InputRefused(
            f"{path} is damaged",
            expected=f"{metadata.num_rows:,} rows, as its footer says",
            got=f"{sum(rows):,} in its row groups",
            remedy="export it again",
        )
    return rows


def check_lists(path: str, metadata: pq.FileMetaData, columns: Sequence[ColumnSpec], group: int) -> None:
    """Raises InputRefused where the lists of a row group are so much longer than the tensor that they are a bomb."""
    sizes = {spec.name: spec.list_size for spec in columns if spec.list_size}
    rows = metadata.row_group(group)
    for index in range(rows.num_columns if sizes else 0):
        column = rows.column(index)
        name = column.path_in_schema.partition(".")[0]
        most = max(FREE_ELEMENTS, MAX_LIST_RATIO * sizes.get(name, 0) * rows.num_rows)
        if name in sizes and column.num_values > most:
            raise InputRefused(
                f"{path}: column {name} holds far longer lists than the model takes",
                expected=f"{sizes[name]:,} elements in a row",
                got=f"{column.num_values:,} in {rows.num_rows:,} rows",
                remedy="is it the right column?",
            )


def endless_lists(metadata: pq.FileMetaData) -> frozenset[str]:
    """Columns of which not even a few rows are looked at: their lists are too long."""
    found = set()
    for group in range(min(metadata.num_row_groups, _LOOKED_AT)):
        rows = metadata.row_group(group)
        for index in range(rows.num_columns):
            column = rows.column(index)
            if column.num_values > MAX_SAMPLED_ELEMENTS * max(1, rows.num_rows):
                found.add(column.path_in_schema.partition(".")[0])
    return frozenset(found)


def _refused(path: str, expected: str, got: str) -> InputRefused:
    return InputRefused(
        f"{path} is not laid out for reading", expected=expected, got=got, remedy="write it with larger row groups"
    )
