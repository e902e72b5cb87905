"""Is the footer of a Parquet file one that a reader may trust with its memory?

The trap: never ask a row group for its columns. If the footer is damaged, pyarrow 26 may answer by ending the process.
"""

import os
from pathlib import Path

import pyarrow.parquet as pq

from scoring.core.errors import InputRefused
from scoring.core.limits import MAX_FOOTER_BYTES, MAX_ROW_GROUPS
from scoring.data.column_names import check_width

_MAGIC = b"PAR1"


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


def _refused(path: str, expected: str, got: str) -> InputRefused:
    return InputRefused(
        f"{path} is not laid out for reading", expected=expected, got=got, remedy="write it with larger row groups"
    )
