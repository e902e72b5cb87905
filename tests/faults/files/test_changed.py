"""Inputs that somebody writes to, or takes away, while a job reads them."""

import os
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.acceptance.conftest import customers
from tests.faults.files.batch import Batch
from tests.waiting import wait_for


def append(path: Path) -> None:
    with path.open("a") as file:
        file.write("c9999999,31,free,0\n")


def replace(path: Path) -> None:
    """By a file of the same size and time."""
    found = path.stat()
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    os.utime(copy, ns=(found.st_atime_ns, found.st_mtime_ns))
    copy.replace(path)


def touch(path: Path) -> None:
    os.utime(path)


def truncate(path: Path) -> None:
    with path.open("r+") as file:
        file.truncate(path.stat().st_size // 2)


def write_in_place(path: Path) -> None:
    """The same size, other rows."""
    path.write_text(path.read_text().replace("free", "FREE"))


CHANGES = [append, replace, touch, truncate, write_in_place]


@pytest.mark.fault("F63", "append to a CSV file after its third chunk", "`input_changed`, exit 4, no success")
def test_an_input_that_grows_while_it_is_split_is_found(batch: Batch, tmp_path: Path) -> None:
    """Seen before the next chunk is recorded: the job fails with both sizes, what was scored is no success."""
    changed_amid_the_split(batch, tmp_path, append, differs="size")


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("change", "differs"),
    [(replace, "inode"), (touch, "mtime_ns"), (truncate, "size"), (write_in_place, "mtime_ns")],
)
@pytest.mark.fault("F63", "a CSV file replaced, touched, cut, rewritten amid its split", "`input_changed`, exit 4")
def test_any_change_while_it_is_split_is_found(
    batch: Batch, tmp_path: Path, change: Callable[[Path], None], differs: str
) -> None:
    """By size, time or inode."""
    changed_amid_the_split(batch, tmp_path, change, differs=differs)


def changed_amid_the_split(batch: Batch, tmp_path: Path, change: Callable[[Path], None], *, differs: str) -> None:
    holding = tmp_path / "holding"
    holding.mkdir()
    batch.submit()
    process = batch.armed(f"split.recorded#2=hold:{holding}").program.start("resume", "last")
    wait_for(lambda: list(holding.iterdir()), "the third chunk")
    change(tmp_path / "rows.csv")
    next(holding.iterdir()).unlink()
    _, said = process.communicate(timeout=60)
    assert 4 == process.returncode, said
    refused(batch, differs)


def refused(batch: Batch, differs: str) -> None:
    found = batch.status()
    assert ("failed", "input_changed") == (found["state"], found["error_code"])
    assert differs in found["error"]
    assert "submit the job again" in found["error"]
    assert not (batch.out / "_SUCCESS").exists()
    assert not list((batch.folder / "out").glob("_manifest.json"))


@pytest.mark.exhaustive
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.fault("F63", "a CSV file changed between submit and split", "`input_changed`, exit 4, no row scored")
def test_an_input_that_changed_before_the_split_is_found(batch: Batch, change: Callable[[Path], None]) -> None:
    """Not one row of the other file is scored."""
    batch.submit()
    change(batch.folder / "rows.csv")
    batch.resume(code=4)
    found = batch.status()
    assert ("failed", "input_changed", 0) == (found["state"], found["error_code"], found["rows_scored"])


@pytest.mark.exhaustive
@pytest.mark.fault("F63", "a Parquet file that chunks refer to replaced amid the scoring", "`input_changed`, exit 4")
def test_a_referenced_file_that_changes_while_it_is_scored_is_found(batch: Batch, tmp_path: Path) -> None:
    """Chunks that are references are read when they are scored: the fingerprint is asked before and after."""
    holding = tmp_path / "holding"
    holding.mkdir()
    options = ("churn.onnx", "rows.parquet", "--key", "id", "-o", "out", "--chunk-rows", "1000")
    armed = batch.armed(f"commit.begin#0=hold:{holding};score.read#1=hold:{holding};split.complete=pause:0.1")
    process = armed.program.start("run", *options)
    wait_for(lambda: list(holding.iterdir()), "a chunk amid its work")
    pq.write_table(customers(4_001), tmp_path / "other.parquet")
    (tmp_path / "other.parquet").replace(tmp_path / "rows.parquet")
    while process.poll() is None:
        for marker in holding.iterdir():
            marker.unlink(missing_ok=True)
    assert 4 == process.returncode, process.stderr.read() if process.stderr else ""
    assert "input_changed" == batch.status()["error_code"]
    assert not (batch.out / "_SUCCESS").exists()


@pytest.mark.exhaustive
@pytest.mark.parametrize("source", ["rows.csv", "rows.parquet"])
@pytest.mark.fault("F64", "the input removed between submit and split", "`input_missing` at the first attempt, exit 4")
def test_an_input_that_is_gone_is_named_once(batch: Batch, source: str) -> None:
    """One attempt, the path, and the end."""
    batch.submit(source)
    (batch.folder / source).unlink()
    batch.resume(code=4)
    found = batch.status()
    assert ("failed", "input_missing") == (found["state"], found["error_code"])
    assert source in found["error"]
    assert ["input_missing"] == [failure["error_code"] for failure in batch.failures()]


@pytest.mark.exhaustive
@pytest.mark.fault("F64", "a chunk file removed before its scoring", "`chunk_corrupt` at once, the other chunks scored")
def test_a_chunk_file_that_is_gone_fails_its_chunk_alone(batch: Batch, tmp_path: Path) -> None:
    """One attempt, named; all other chunks are scored, and the job says which one is not."""
    holding = tmp_path / "holding"
    holding.mkdir()
    batch.submit()
    armed = batch.armed(f"split.written#7=hold:{holding};commit.begin#1=hold:{holding};score.read=pause:0.05")
    process = armed.program.start("resume", "last")
    wait_for(lambda: any("chunk-000006" in path.name for path in batch.work_files()), "the last but one chunk")
    chunk = next(path for path in batch.work_files() if "chunk-000006" in path.name)
    kept = chunk.read_bytes()
    chunk.unlink()
    while process.poll() is None:
        for marker in holding.iterdir():
            marker.unlink(missing_ok=True)
    assert 1 == process.returncode
    failures = batch.failures()
    assert [(6, "chunk_corrupt")] == [(failure["chunk"], failure["error_code"]) for failure in failures]
    assert ("failed", "chunks_failed", 7) == tuple(
        batch.status()[name] for name in ("state", "error_code", "chunks_done")
    )
    chunk.write_bytes(kept)
    batch.retry()
    batch.prove()
