"""Bytes that turn on a disk, and what dead processes leave on it."""

import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.faults.files.batch import Batch, flip

AGE_SECONDS = 2 * 3600
TORN_POINTS = ("stage.write", "stage.fsync", "stage.synced", "commit.commit", "promote.rename", "promote.renamed")


@pytest.fixture
def dirty(batch: Batch) -> Batch:
    """Each 50th line of `rows.csv` is too short to be scored."""
    path = batch.folder / "rows.csv"
    lines = path.read_text().splitlines()
    lines[50::50] = ["too,short"] * len(lines[50::50])
    path.write_text("\n".join(lines) + "\n")
    return batch


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", ["chunk-000006.parquet", "chunk-000006.rejects.parquet"])
@pytest.mark.fault(
    "F68", "a bit flipped in a chunk file, in a file of its rejects", "`chunk_corrupt`; the rest is scored"
)
def test_a_chunk_file_that_goes_bad_fails_its_chunk(dirty: Batch, name: str) -> None:
    """At once and in words, with all others scored; once the file is right again a retry makes the job whole."""
    dirty.armed("claim.commit#6=kill").run("rows.csv", "--max-rejected", "5%", code=-9)
    (path,) = dirty.folder.rglob(f"work/*/{name}")
    kept = path.read_bytes()
    flip(path)
    said = dirty.resume(code=1)
    assert "chunks failed: 6" in said
    corrupt = [failure for failure in dirty.failures() if failure["error_code"] == "chunk_corrupt"]
    assert [6] == [failure["chunk"] for failure in corrupt]
    assert name in corrupt[0]["error"]
    assert 7 == dirty.status()["chunks_done"]
    assert (dirty.out / "_partial.json").exists()
    path.write_bytes(kept)
    dirty.retry()
    assert ("succeeded", 80) == tuple(dirty.status()[key] for key in ("state", "rows_rejected"))
    dirty.asking("audit", "last")


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", ["part-000003.parquet", "_rejects/part-000003.parquet"])
@pytest.mark.fault(
    "F68", "a bit flipped in a public part, in its rejects, before the verdict", "`accounting_broken`, exit 1"
)
def test_a_public_file_that_goes_bad_before_the_end_is_no_success(dirty: Batch, name: str) -> None:
    """Found by its digest; `_partial.json` does not list it."""
    dirty.armed("finalize.verdict=kill").run("rows.csv", "--max-rejected", "5%", code=-9)
    flip(dirty.out / name)
    dirty.resume(code=1)
    found = dirty.status()
    assert ("failed", "accounting_broken") == (found["state"], found["error_code"])
    assert name in found["error"]
    assert not (dirty.out / "_SUCCESS").exists()
    assert f'"{name}"' not in (dirty.out / "_partial.json").read_text()


@pytest.mark.exhaustive
@pytest.mark.fault("F68", "a bit flipped in a staged part of --overwrite", "`accounting_broken`; the last result stays")
def test_a_staged_part_that_goes_bad_leaves_the_last_result(batch: Batch) -> None:
    """Nothing of last night's result is touched for a part that is not what was committed."""
    batch.run()
    last = {path: path.read_bytes() for path in batch.out.iterdir()}
    batch.armed("finalize.verdict=kill").run("rows.parquet", "--overwrite", code=-9)
    flip(next(batch.out.glob("_staging/*/part-000003.*")))
    batch.resume(code=1)
    assert "accounting_broken" == batch.status()["error_code"]
    assert last == {path: path.read_bytes() for path in batch.out.iterdir() if path.is_file()}


@pytest.mark.exhaustive
@pytest.mark.fault("F68", "a bit flipped in a part of a finished job", "`scoring audit` exits 1 and names the file")
def test_a_part_that_goes_bad_later_is_found_by_an_audit(batch: Batch) -> None:
    """Whoever reads the page gets an error, whoever audits gets the name."""
    batch.run()
    flip(batch.out / "part-000003.parquet")
    assert "part-000003.parquet" in batch.asking("audit", "last", code=1).stdout


@pytest.mark.exhaustive
@pytest.mark.parametrize("point", TORN_POINTS)
@pytest.mark.fault(
    "F66", "KILL before, between and after write, fsync, commit and rename of a part", "old or new; once"
)
def test_a_torn_file_is_never_shown(batch: Batch, point: str) -> None:
    """At no moment is a part public that is not whole, and nothing of the dead process is left in the end."""
    batch.killed(f"{point}@3=kill")
    batch.asking("results", "last")
    assert all(path.stat().st_size for path in batch.out.glob("part-*"))
    batch.resume()
    batch.prove()


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F66", "torn copies of chunk file, staged part and manifest beside the real ones", "gone at the end; once"
)
def test_what_was_torn_is_gone_in_the_end(batch: Batch) -> None:
    """A killed process may leave each of its files half-written under a name of its own."""
    batch.killed("finalize.promoted=kill")
    job_id = batch.status()["job_id"]
    work = next(batch.folder.rglob(f"work/{job_id}"))
    staged = batch.out / "_staging" / job_id / "part-000002.9.parquet.tmp"
    staged.parent.mkdir(parents=True, exist_ok=True)
    for torn in (work / ".chunk-000002.parquet.1.tmp", staged, batch.out / "._manifest.json.0123abcd.tmp"):
        torn.write_bytes(b"PAR1")
    batch.resume()
    batch.prove()
    assert not work.exists()


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F69", "20 attempts killed with their files staged, `scoring gc` after each", "gc takes nothing live; once"
)
def test_debris_of_dead_attempts_goes_and_nothing_else(batch: Batch, tmp_path: Path) -> None:
    """As long as the job lives its files are left, however old; its end takes the debris, and gc finds nothing."""
    batch.submit()
    for death in range(20):
        marker = tmp_path / f"death-{death}"
        batch.armed(f"commit.begin#7=kill!{marker}").resume(code=-9)
        before = grown_old(batch)
        batch.asking("gc", "--older-than", "1h")
        assert before == [path for path in before if path.exists()]
    batch.resume()
    batch.prove()
    assert [] == batch.work_files()


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F69", "debris in the folders of a job that is over, then `scoring gc`", "debris gone, the result stays"
)
def test_gc_takes_the_debris_of_a_job_that_is_over(batch: Batch) -> None:
    """A zombie may stage a file after the end: what is old and unreferenced goes, parts and manifest stay."""
    batch.run()
    job_id = batch.status()["job_id"]
    staged = batch.out / "_staging" / job_id / "part-000002.1.parquet.tmp"
    staged.parent.mkdir(parents=True)
    shutil.copy(batch.out / "part-000002.parquet", staged)
    work = batch.folder / "home/store/work" / job_id
    work.mkdir(parents=True)
    (work / "chunk-000002.parquet").write_bytes(b"PAR1")
    grown_old(batch)
    with sqlite3.connect(batch.folder / "home/ledger.db") as ledger:
        ledger.execute("UPDATE jobs SET finished_at = finished_at - ?", (AGE_SECONDS * 1_000_000,))
    batch.asking("gc", "--older-than", "1h")
    assert not work.exists()
    batch.prove()


def grown_old(batch: Batch) -> list[Path]:
    """All files of the job, made two hours older."""
    found = [path for folder in (batch.out, batch.folder / "home/store/work") for path in folder.rglob("*")]
    for path in found:
        os.utime(path, (path.stat().st_atime - AGE_SECONDS, path.stat().st_mtime - AGE_SECONDS))
    return [path for path in found if path.is_file()]
