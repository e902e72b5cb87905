"""Chunk files: what comes back is what was written, or an error in words."""

import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from scoring.core.chunks import Chunk
from scoring.core.columns import ColumnSpec, Dtype, NullAction
from scoring.core.errors import ChunkCorrupt, StorageFault
from scoring.data import chunk_files
from tests.unit.data.chunks import COLUMNS, one_chunk

READ_SO_FAR = Path("/proc/self/io")


def read_so_far() -> int:
    """Bytes that this process has read."""
    return int(READ_SO_FAR.read_text().splitlines()[0].removeprefix("rchar:"))


@pytest.mark.parametrize("name", ["chunk-000000.parquet", "chunk-000000.rejects.parquet"])
def test_no_flipped_bit_goes_unseen(tmp_path: Path, name: str) -> None:
    """Wherever it lies: page headers and the footer have no checksum of their own, so the file's digest is held."""
    chunk = one_chunk(tmp_path)
    path = tmp_path / name
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        with pytest.raises(ChunkCorrupt, match="digest"):
            chunk_files.read_chunk(chunk, tmp_path, COLUMNS)


def test_the_file_of_another_chunk_is_not_taken(tmp_path: Path) -> None:
    """As many rows, and whole by itself: still not what was recorded."""
    chunk = one_chunk(tmp_path)
    one_chunk(tmp_path / "other", first=100)
    shutil.copy(tmp_path / "other/chunk-000000.parquet", tmp_path)
    with pytest.raises(ChunkCorrupt, match="digest"):
        chunk_files.read_chunk(chunk, tmp_path, COLUMNS)


def test_a_chunk_file_that_is_gone_is_named(tmp_path: Path) -> None:
    """No attempt can find it again."""
    chunk = one_chunk(tmp_path)
    (tmp_path / str(chunk.path)).unlink()
    with pytest.raises(ChunkCorrupt, match="chunk-000000"):
        chunk_files.read_chunk(chunk, tmp_path, COLUMNS)


def test_a_store_out_of_sight_is_no_damage(tmp_path: Path) -> None:
    """A host that has lost its mount fails its own attempt, not the chunk."""
    chunk = one_chunk(tmp_path / "work")
    shutil.rmtree(tmp_path / "work")
    with pytest.raises(StorageFault, match="does not see"):
        chunk_files.read_chunk(chunk, tmp_path / "work", COLUMNS)


def test_a_place_that_takes_no_file_is_named(tmp_path: Path) -> None:
    """The folder, and the system's own words."""
    (tmp_path / "work").write_text("a file")
    with pytest.raises(StorageFault, match="work") as fault:
        one_chunk(tmp_path / "work")
    assert os.strerror(errno.EEXIST) == fault.value.got


@pytest.mark.skipif(not READ_SO_FAR.exists(), reason="this system does not count what a process reads")
def test_a_chunk_file_is_read_once(tmp_path: Path) -> None:
    """What is decoded is what was judged, and a shared store is asked for each byte once."""
    rows = pa.table({"x": np.random.default_rng(7).random(500_000)})
    written = chunk_files.write_chunk_file(rows, tmp_path, "chunk-000000.parquet")
    spec = ColumnSpec(name="x", slot="x", dtype=Dtype.FLOAT64, nulls=NullAction.NAN)
    chunk = Chunk(
        chunk=0,
        first_row=0,
        rows=500_000,
        rows_rejected=0,
        path=written.name,
        bytes=written.bytes,
        sha256=written.sha256,
    )
    before = read_so_far()
    chunk_files.read_chunk(chunk, tmp_path, [spec])
    assert 1.5 * written.bytes > read_so_far() - before


def test_a_chunk_of_an_older_ledger_has_no_digest_of_its_rejects(tmp_path: Path) -> None:
    """It is read as it always was."""
    chunk = one_chunk(tmp_path)
    source = chunk.source_json()
    del source["rejects_sha256"]
    older = Chunk.from_source(source, chunk=0, first_row=0, rows=chunk.rows, rows_rejected=1, bytes=chunk.bytes)
    assert 1 == chunk_files.read_chunk(older, tmp_path, COLUMNS).rejects.num_rows
