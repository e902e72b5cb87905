"""Part files and the folder they go to."""

import json
import os
import resource
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scoring.core.errors import ChunkCorrupt, OutputRefused, StorageFault
from scoring.data.manifest import Manifest, ManifestPart, read_manifest, write_manifest, write_partial
from scoring.data.outputs import check_output, clear_replaced, result_files, results_dataset
from scoring.data.parts import (
    clear_staging,
    footer_rows,
    promote,
    remove_staged,
    removed_on_error,
    stage_part,
    stage_rejects,
)
from scoring.data.rejects import REJECT_SCHEMA
from scoring.data.remains import TORN_SECONDS, result_remains
from scoring.data.storage import copy_hashed, store_id

ROWS = pa.table({"_row": pa.array([0, 1, 2]), "score": pa.array([0.1, 0.2, 0.3])})


def of(job: str) -> dict[str, str]:
    return {"scoring.job_id": job, "scoring.chunk": "0"}


def publish(output, job="j1", attempt=1):
    staged = stage_part(output, 0, attempt, ROWS, metadata=of(job))
    promote(output, staged)
    return staged


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """As on a full disk, this process can write no more to a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def manifest(staged, job="j1") -> Manifest:
    return Manifest(
        job_id=job,
        model_name="m",
        model_version=1,
        model_sha256="0" * 64,
        rows_total=3,
        rows_scored=3,
        rows_rejected=0,
        schema=ROWS.schema,
        parts=[ManifestPart(chunk=0, first_row=0, rows_rejected=0, part=staged)],
    )


def test_a_staged_part_is_not_public(tmp_path):
    """Until promotion no reader of OUT/*.parquet sees it; then it has its public name, rows and metadata."""
    staged = stage_part(tmp_path, 0, 7, ROWS, metadata=of("j1"))
    assert [] == list(tmp_path.glob("*.parquet"))
    assert "_staging/j1/part-000000.7.parquet.tmp" == staged.staged
    promote(tmp_path, staged)
    assert 3 == staged.rows == footer_rows(tmp_path / "part-000000.parquet")
    assert b"j1" == pq.read_schema(tmp_path / staged.path).metadata[b"scoring.job_id"]


def test_promotion_rolls_forward(tmp_path):
    """Promoting again changes nothing, and leaves the staged files of other attempts alone."""
    other = stage_part(tmp_path, 0, 1, ROWS, metadata=of("j1"))
    staged = publish(tmp_path, attempt=2)
    promote(tmp_path, staged)
    assert (tmp_path / other.staged).exists()
    remove_staged(tmp_path, other)
    clear_staging(tmp_path, "j1")
    assert ["part-000000.parquet"] == [path.name for path in tmp_path.iterdir()]


def test_a_committed_part_that_is_gone_is_said_aloud(tmp_path):
    """Neither staged nor public: ChunkCorrupt; the same where the public file is another one."""
    staged = publish(tmp_path)
    (tmp_path / staged.path).write_bytes(b"x" * staged.bytes)
    with pytest.raises(ChunkCorrupt, match="another content"):
        promote(tmp_path, staged)
    (tmp_path / staged.path).unlink()
    with pytest.raises(ChunkCorrupt, match="no such file"):
        promote(tmp_path, staged)


def test_rejects_are_for_the_owner_alone(tmp_path):
    """The rejects file is 0600, whatever the umask."""
    staged = stage_rejects(tmp_path, 0, 1, REJECT_SCHEMA.empty_table(), metadata=of("j1"))
    promote(tmp_path, staged)
    path = tmp_path / "_rejects" / "part-000000.parquet"
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


def test_a_flipped_bit_never_gives_wrong_numbers(tmp_path):
    """With page checksums a damaged data page fails to read, or reads as it was."""
    path = tmp_path / publish(tmp_path).path
    whole = path.read_bytes()
    failed = 0
    for at in range(4, whole.index(b"schema"), 3):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        try:
            assert ROWS == pq.read_table(path, page_checksum_verification=True).replace_schema_metadata(None)
        except (OSError, pa.ArrowException):
            failed += 1
    assert failed > 20


def test_the_manifest_lists_what_is_there(tmp_path):
    """A success has manifest and marker and no partial manifest; the result is read through it."""
    staged = publish(tmp_path)
    write_partial(tmp_path, manifest(staged))
    write_manifest(tmp_path, manifest(staged))
    found = json.loads((tmp_path / "_manifest.json").read_text())
    assert found == read_manifest(tmp_path)
    expected = {
        "format",
        "job_id",
        "model",
        "rows_total",
        "rows_scored",
        "rows_rejected",
        "columns",
        "arrow_schema",
        "parts",
        "rejects",
    }
    assert expected == set(found)
    assert {"chunk", "path", "rows", "rows_rejected", "first_row", "bytes", "sha256"} == set(found["parts"][0])
    assert (tmp_path / "_SUCCESS").exists()
    assert not (tmp_path / "_partial.json").exists()
    assert [tmp_path / "part-000000.parquet"] == result_files(tmp_path)
    assert 3 == results_dataset(tmp_path).count_rows()


def test_an_output_is_for_one_job(tmp_path):
    """New or empty is free; its own files do not disturb a job; another job's do, unless --overwrite."""
    output = tmp_path / "out"
    check_output(output)
    output.mkdir()
    check_output(output)
    write_manifest(output, manifest(publish(output)))
    check_output(output, job_id="j1")
    with pytest.raises(OutputRefused, match=r"another job.*--overwrite"):
        check_output(output, job_id="j2")
    check_output(output, job_id="j2", overwrite=True)


@pytest.mark.parametrize(
    "name", ["notes.txt", "part-000000.parquet", "part-000009.parquet", "_SUCCESS", "sub/x.parquet"]
)
def test_a_foreign_file_is_never_replaced(tmp_path, name):
    """What no job wrote is refused even with --overwrite, a part by another program's hand as well."""
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    if name.endswith(".parquet"):
        pq.write_table(ROWS, path)
    else:
        path.write_text("mine")
    with pytest.raises(OutputRefused, match="no job wrote"):
        check_output(tmp_path, job_id="j1", overwrite=True)


@pytest.mark.parametrize("rows", [0, 400_000])
def test_what_a_full_disk_takes_half_goes_at_once(tmp_path, rows):
    """Half a file of each attempt would keep the disk full; a limit on file sizes stands for it."""
    table = pa.table({"_row": np.random.default_rng(7).integers(0, 2**60, rows)})
    stage_part(tmp_path, 0, 1, table, metadata=of("j1"))
    with files_of_at_most(100), pytest.raises(StorageFault):
        stage_part(tmp_path, 0, 2, table, metadata=of("j1"))
    assert ["part-000000.1.parquet.tmp"] == [path.name for path in (tmp_path / "_staging/j1").iterdir()]


def test_a_part_goes_where_its_rejects_cannot_be_written(tmp_path):
    """An attempt leaves both of its files, or neither."""
    part = stage_part(tmp_path, 0, 1, ROWS, metadata=of("j1"))
    with pytest.raises(StorageFault), files_of_at_most(100), removed_on_error(tmp_path, part):
        stage_rejects(tmp_path, 0, 1, ROWS, metadata=of("j1"))
    assert [] == list((tmp_path / "_staging/j1").iterdir())


def test_overwriting_removes_the_old_result_alone(tmp_path):
    """Files of other jobs go; those that this job has promoted already stay."""
    old = publish(tmp_path, "old")
    write_manifest(tmp_path, manifest(old, "old"))
    staged = stage_part(tmp_path, 1, 1, ROWS, metadata=of("new"))
    promote(tmp_path, staged)
    clear_replaced(tmp_path, job_id="new")
    clear_staging(tmp_path, "new")
    assert ["part-000001.parquet"] == [path.name for path in tmp_path.iterdir()]


def test_a_manifest_that_was_torn_is_in_nobodys_way(tmp_path):
    """What a killed process has left of it goes with the next manifest, and with the next job."""
    torn = tmp_path / "._manifest.json.0123abcd.tmp"
    torn.write_bytes(b"{")
    check_output(tmp_path, job_id="j1")
    write_manifest(tmp_path, manifest(publish(tmp_path)))
    assert not torn.exists()
    torn.write_bytes(b"{")
    check_output(tmp_path, job_id="j2", overwrite=True)
    clear_replaced(tmp_path, job_id="j2")
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(("age", "goes"), [(TORN_SECONDS + 60, True), (1, False)])
def test_a_manifest_that_may_be_in_the_making_stays_when_an_old_job_goes(tmp_path, age, goes):
    """The folder may have gone over to another job."""
    publish(tmp_path, "old")
    torn = tmp_path / "._manifest.json.0123abcd.tmp"
    torn.write_bytes(b"{")
    os.utime(torn, (time.time() - age,) * 2)
    assert goes is (torn.name in result_remains(tmp_path, "old").names)


def test_a_model_is_stored_once_under_its_digest(tmp_path):
    """The same content gives the same path; another content another one."""
    source = tmp_path / "m.onnx"
    source.write_bytes(b"model")
    first = copy_hashed(source, tmp_path / "models")
    assert first == copy_hashed(source, tmp_path / "models")
    assert b"model" == first[1].read_bytes()
    source.write_bytes(b"other")
    assert first[0] != copy_hashed(source, tmp_path / "models")[0]
    assert b"model" == first[1].read_bytes()


def test_a_store_has_one_id(tmp_path):
    """The id is made once and read ever after."""
    store = tmp_path / "store"
    assert store_id(store, create=False) is None
    made = store_id(store, create=True)
    assert made == store_id(store, create=True) == store_id(store, create=False)
