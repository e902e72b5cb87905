"""How many rows an `auto` chunk has, from the bytes of a row."""

import pytest

from scoring.core.chunks import MAX_CHUNK_ROWS, WIDE_CHUNK_BYTES, auto_chunk_rows, whole_group_rows


@pytest.mark.parametrize(
    ("row_bytes", "rows"),
    [(0, MAX_CHUNK_ROWS), (128, MAX_CHUNK_ROWS), (1_024, 16_384), (40_000, 1_000), (1_000_000, 67), (2**30, 1)],
)
def test_rows_follow_from_their_width(row_bytes, rows):
    """16 MiB, a thousand rows at least, but never more than 64 MiB for their sake; one row always."""
    assert rows == auto_chunk_rows(row_bytes)
    assert rows == 1 or WIDE_CHUNK_BYTES >= rows * row_bytes


@pytest.mark.parametrize(("chunk_rows", "rows"), [(131_072, 262_144), (1_000, 16_000), (999, 999), (1, 1)])
def test_a_row_group_is_a_chunk_within_bounds(chunk_rows, rows):
    """A few chunks' worth of rows, but of rows so wide that a chunk has few no more than that."""
    assert rows == whole_group_rows(chunk_rows)
