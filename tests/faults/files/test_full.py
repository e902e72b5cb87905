"""Disks that are full, and files that may not grow: said in words, nothing half is shown, and room makes it whole."""

import resource
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.acceptance.conftest import customers
from tests.faults.files.batch import Batch
from tests.faults.files.disks import Disks

ROOM = 60_000
"""Kilobytes that are enough for anything here."""


def fill(folder: Path) -> Path:
    """Take all room that is left on the disk of the folder; the file to remove for it."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 4096):
                pass
        except OSError:
            return filler


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F65", "a disk of 60 KB under the output, filled amid the job", "`storage` with the folder; whole by `retry`"
)
def test_a_full_output_disk_is_named_and_made_good(batch: Batch, disks: Disks, tmp_path: Path) -> None:
    """What is public is whole, the rest is not there; with room a retry scores the rest alone."""
    disks.mount(tmp_path / "out", kilobytes=ROOM)
    batch.submit()
    on_disk = batch.on(disks, SCORING_MAX_ATTEMPTS="1")
    disks.resize(tmp_path / "out", kilobytes=60)
    said = on_disk.resume(code=1)
    assert f"cannot write to {tmp_path / 'out'}; got No space left on device" in said
    assert {"storage"} == {failure["error_code"] for failure in batch.failures()}
    assert [] == list(on_disk.out.glob("_staging/*/*"))
    parts = sorted(on_disk.out.glob("part-*.parquet"))
    assert 0 < len(parts) < 8
    assert all(pq.read_table(part).num_rows == 500 for part in parts)
    disks.resize(tmp_path / "out", kilobytes=ROOM)
    on_disk.retry()
    on_disk.prove()
    assert all(row["attempts"] == 1 for row in attempts(on_disk)[: len(parts)])


def attempts(batch: Batch) -> list[dict[str, int]]:
    found: list[dict[str, int]] = batch.asking.json("sql", "SELECT attempts FROM chunk_progress ORDER BY attempts")
    return found


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F65", "a disk of 24 KB under the store, filled by chunk files", "`storage` with the folder; whole by `retry`"
)
def test_a_full_store_is_named_and_made_good(batch: Batch, disks: Disks, tmp_path: Path) -> None:
    """The split fails with the folder of its chunk files; none of them is half."""
    disks.mount(tmp_path / "store", kilobytes=ROOM)
    on_disk = batch.on(disks, SCORING_STORE=str(tmp_path / "store"))
    on_disk.submit()
    disks.resize(tmp_path / "store", kilobytes=24)
    on_disk.resume(code=1)
    found = on_disk.status()
    assert ("failed", "storage") == (found["state"], found["error_code"])
    assert f"cannot write to {tmp_path / 'store'}/work" in found["error"]
    assert "No space left on device" in found["error"]
    assert [] == list((on_disk.folder / "store").glob("work/*/.*"))
    disks.resize(tmp_path / "store", kilobytes=ROOM)
    on_disk.retry()
    on_disk.prove()


@pytest.mark.exhaustive
@pytest.mark.fault("F65", "no room left when the manifest is written", "`storage`, no manifest; whole by `retry`")
def test_a_disk_that_is_full_at_the_end_is_made_good(batch: Batch, disks: Disks, tmp_path: Path) -> None:
    """All parts are public and nothing says that they are whole; then a retry writes the manifest alone."""
    disks.mount(tmp_path / "out", kilobytes=ROOM)
    on_disk = batch.on(disks)
    on_disk.killed("finalize.promoted=kill")
    filler = fill(on_disk.out)
    said = on_disk.resume(code=1)
    assert f"cannot write to {tmp_path / 'out'}; got No space left on device" in said
    assert 8 == len(list(on_disk.out.glob("part-*.parquet")))
    assert not (on_disk.out / "_SUCCESS").exists()
    assert not (on_disk.out / "_manifest.json").exists()
    filler.unlink()
    on_disk.retry()
    on_disk.prove()


@pytest.mark.exhaustive
@pytest.mark.fault("F65", "no room left under the embedded ledger amid the job", "exit 1 in words; whole by `resume`")
def test_a_full_ledger_disk_ends_the_run_in_words(batch: Batch, disks: Disks, tmp_path: Path) -> None:
    """No attempt is burned where nothing can be recorded."""
    disks.mount(tmp_path / "home", kilobytes=ROOM)
    on_disk = batch.on(disks, SCORING_STORE=str(tmp_path / "store"))
    on_disk.submit()
    filler = fill(on_disk.folder / "home")
    assert "the disk of the ledger is full" in on_disk.resume(code=1)
    filler.unlink()
    on_disk.resume()
    on_disk.prove()


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F65", "`ulimit -f` below the size of a part (SIGXFSZ, EFBIG)", "`storage`, no part; whole by `retry`"
)
def test_a_file_that_may_not_grow_is_named(batch: Batch, tmp_path: Path, limited: Callable[[int], Batch]) -> None:
    """The signal that goes with it kills nobody."""
    rows = 200_000
    pq.write_table(customers(rows), tmp_path / "rows.parquet")
    options = ("churn.onnx", "rows.parquet", "--key", "id", "-o", "out", "--chunk-rows", str(rows))
    batch.program("submit", *options)
    said = limited(1_500_000).resume(code=1)
    assert "File too large" in said
    assert {"storage"} == {failure["error_code"] for failure in batch.failures()}
    assert [] == list(batch.out.glob("part-*"))
    batch.retry()
    assert ("succeeded", rows) == tuple(batch.status()[name] for name in ("state", "rows_scored"))
    batch.asking("audit", "last")


@pytest.fixture
def limited(batch: Batch) -> Callable[[int], Batch]:
    """The same, where no file may become larger than so many bytes."""

    def limit(size: int) -> Batch:
        return batch.after("prlimit", f"--fsize={size}")

    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    return limit


@pytest.mark.exhaustive
@pytest.mark.fault("F67", "home, store and output on three file systems", "each file is made where it stays; succeeded")
def test_every_file_is_made_on_its_own_disk(batch: Batch, disks: Disks, tmp_path: Path) -> None:
    """No rename crosses a file system, with rejects, --overwrite and a second version of the model neither."""
    for name in ("home", "store", "out"):
        disks.mount(tmp_path / name, kilobytes=ROOM)
    on_disk = batch.on(disks, SCORING_STORE=str(tmp_path / "store"))
    on_disk.run()
    on_disk.prove()
    (tmp_path / "dirty.csv").write_text((tmp_path / "rows.csv").read_text() + "too,short\n" * 3)
    on_disk.run("dirty.csv", "--overwrite", "--label", "churned")
    assert 3 == on_disk.status()["rows_rejected"]
    on_disk.asking("audit", "last")


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F70", "the output made read-only amid the job", "`storage` with the folder, exit 1; whole by `retry`"
)
def test_an_output_that_turns_read_only_is_named(batch: Batch, disks: Disks, tmp_path: Path) -> None:
    """A submit is refused at once; a job that is under way fails after its attempts, and goes on afterwards."""
    disks.mount(tmp_path / "out", kilobytes=ROOM)
    on_disk = batch.on(disks)
    on_disk.killed("commit.begin#3=kill")
    disks.protect(tmp_path / "out")
    refused = on_disk.program("submit", "churn.onnx", "rows.csv", "-o", "out/inner", code=4).stderr
    assert f"cannot write to {tmp_path / 'out'}" in refused
    assert f"cannot write to {tmp_path / 'out'}; got Read-only file system" in on_disk.resume(code=1)
    assert not (on_disk.out / "_SUCCESS").exists()
    disks.unprotect(tmp_path / "out")
    on_disk.retry()
    on_disk.prove()


@pytest.mark.exhaustive
@pytest.mark.fault("F70", "the output's disk pulled out before the end", "`accounting_broken`, exit 1, no success")
def test_an_output_that_vanishes_is_no_success(batch: Batch, disks: Disks, tmp_path: Path) -> None:
    """Parts that are gone are said to be, and no manifest claims them."""
    disks.mount(tmp_path / "out", kilobytes=ROOM)
    on_disk = batch.on(disks)
    on_disk.killed("finalize.verdict=kill")
    disks.unmount(tmp_path / "out")
    on_disk.resume(code=1)
    found = on_disk.status()
    assert ("failed", "accounting_broken") == (found["state"], found["error_code"])
    assert "submit the job again" in found["error"]
    assert ["_partial.json"] == [path.name for path in (tmp_path / "out").iterdir()]
