"""Parquet files that are small on disk and huge in memory. A test's id is the row of the catalogue of bad files."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scoring.core.chunks import MAX_GROUP_ROWS
from scoring.core.columns import Dtype
from scoring.core.errors import InputRefused
from scoring.core.limits import MAX_CELL_BYTES, MAX_CHUNK_TEXT_BYTES
from scoring.core.options import CsvDialect
from scoring.core.source import Position
from scoring.data.inputs import expand_inputs
from scoring.data.schema import decoded_row_bytes, describe
from scoring.data.split_parquet import plan_ranges
from tests.unit.data.conftest import carried, feature

V = feature("v")


def described(path):
    return describe(expand_inputs([str(path)]), CsvDialect())


def column(values) -> pa.Table:
    return pa.table({"v": values})


def test_b49_a_file_is_sized_by_rows_and_width(write_parquet):
    """Four million times one number in a few kilobytes: 16 MB, in chunks that fit, whatever the footer says."""
    rows = 4_000_000
    path = write_parquet(column(np.zeros(rows, np.float32)), row_group_size=rows)
    assert path.stat().st_size < 50_000
    schema = described(path)
    assert (rows, 4) == (schema.rows, decoded_row_bytes(schema, [V]))
    files = expand_inputs([str(path)])
    ranges = plan_ranges(files, Position(), chunk_rows=131_072, limit=None, whole_groups=True)
    assert MAX_GROUP_ROWS >= max(part.rows for part in ranges)


def test_b49_a_row_group_of_wide_rows_is_no_chunk(write_parquet):
    """A row group as large as many chunks, in bytes, is cut: no chunk holds more than 16 of them."""
    files = expand_inputs([str(write_parquet(column(np.zeros(48_000)), row_group_size=16_000))])
    ranges = plan_ranges(files, Position(), chunk_rows=1_000, limit=None, whole_groups=True)
    assert [16_000, 16_000, 16_000] == [part.rows for part in ranges]
    ranges = plan_ranges(files, Position(), chunk_rows=999, limit=None, whole_groups=True)
    assert 999 == max(part.rows for part in ranges)


def repeated(word: str, rows: int) -> pa.Table:
    """`word` in every second row; the file keeps it once."""
    codes = pa.array(np.arange(rows, dtype=np.int32) % 2)
    return pa.table(
        {"v": np.ones(rows, np.float32), "s": pa.DictionaryArray.from_arrays(codes, pa.array([word, "ok"]))}
    )


@pytest.mark.parametrize("column", [feature("s", Dtype.STRING), carried("s")], ids=["feature", "carried"])
@pytest.mark.parametrize("chunk_rows", [10**6, 3_000], ids=["referenced", "copied"])
def test_b49_a_huge_word_is_judged_before_it_is_spelled_out(score_parquet, write_parquet, column, chunk_rows):
    """2 000 cells of a megabyte each, 100 kB on disk: their rows are rejected, and nothing holds 2 GB."""
    before = pa.total_allocated_bytes()
    path = write_parquet(repeated("x" * (MAX_CELL_BYTES + 1), 4_000), store_schema=False)
    found = score_parquet([path], [V, column], chunk_rows=chunk_rows)
    assert [(1.0, "ok")] * 2_000 == found.cells
    assert {(None, "s", "cell_too_large")} == {fault[1:] for fault in found.faults()}
    assert "1,048,577 bytes; at most 1,048,576" in found.rejects[0]["reason"]
    assert pa.default_memory_pool().max_memory() - before < 500_000_000


def test_b49_a_huge_word_behind_the_first_row_group_is_judged_too(score_parquet, tmp_path):
    """Ten harmless rows, then 1.8 GB of text in a row group of the same chunk: refused, and never held."""
    before = pa.total_allocated_bytes()
    tables = [repeated("a", 10), repeated("x" * 900_000, 4_000)]
    with pq.ParquetWriter(tmp_path / "in.parquet", tables[0].schema, store_schema=False) as writer:
        for table in tables:
            writer.write_table(table)
    with pytest.raises(InputRefused, match=f"at most {MAX_CHUNK_TEXT_BYTES:,} bytes"):
        score_parquet([tmp_path / "in.parquet"], [V, carried("s")])
    assert pa.default_memory_pool().max_memory() - before < 500_000_000


def test_b49_text_that_bursts_on_the_way_to_the_result_is_refused_by_number(score_parquet, write_parquet):
    """Cells within their limit, but too many in one chunk."""
    rows = 2 * MAX_CHUNK_TEXT_BYTES // MAX_CELL_BYTES + 2
    path = write_parquet(repeated("x" * MAX_CELL_BYTES, rows), store_schema=False)
    with pytest.raises(InputRefused, match=f"at most {MAX_CHUNK_TEXT_BYTES:,} bytes.*--chunk-rows"):
        score_parquet([path], [V, carried("s")])
