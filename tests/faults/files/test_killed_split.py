"""A producer that dies at each of its chunks, and one that dies before there is a job."""

import signal
from pathlib import Path

import pytest

from tests.faults.files.batch import CHUNK_ROWS, Batch

CHUNKS = 8


@pytest.mark.exhaustive
@pytest.mark.parametrize("source", ["rows.csv", "rows.parquet"])
@pytest.mark.fault("F62", "KILL before and after the row of each chunk, 16 times in one job", "same bounds; once")
def test_a_split_that_dies_at_each_chunk_cuts_as_if_it_had_not(batch: Batch, tmp_path: Path, source: str) -> None:
    """Each process goes on behind the last recorded chunk; ids and bounds are those of an undisturbed split."""
    batch.submit(source)
    deaths = [f"{point}#{chunk}" for chunk in range(CHUNKS) for point in ("split.written", "split.recorded")]
    armed = batch.armed(";".join(f"{death}=kill!{tmp_path / death}" for death in deaths))
    for death in deaths:
        armed.resume(code=-signal.SIGKILL)
        assert (tmp_path / death).exists(), death
    armed.resume()
    assert [(chunk, CHUNK_ROWS) for chunk in range(CHUNKS)] == batch.chunks()
    batch.prove()


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F62", "KILL when the input has ended and the split's row does not say so", "no verdict before; once"
)
def test_a_split_that_dies_at_its_end_is_not_taken_for_ended(batch: Batch) -> None:
    """All chunks may be scored, and the job is not: nobody knows yet that there are no more."""
    batch.killed("split.complete=kill")
    assert "running" == batch.status()["state"]
    assert batch.status()["chunks_total"] is None
    assert not (batch.out / "_manifest.json").exists()
    batch.resume()
    batch.prove()


@pytest.mark.exhaustive
@pytest.mark.fault("F62", "KILL before the row of the job is written", "no job, nothing held; the same submit makes it")
def test_a_submit_that_dies_leaves_no_half_job(batch: Batch) -> None:
    """Neither its key nor its output is taken, and the second try is the first job."""
    options = ("churn.onnx", "rows.csv", "--key", "id", "-o", "out", "--chunk-rows", "500", "--idempotency-key", "once")
    batch.armed("submit.record=kill").program("submit", *options, code=-signal.SIGKILL)
    assert [] == batch.asking.json("jobs")
    batch.program("submit", *options)
    assert 1 == len(batch.asking.json("jobs"))
    batch.resume()
    batch.prove()


@pytest.mark.exhaustive
@pytest.mark.fault("F62", "KILL after the row of the job is written", "the same submit finds the job; once")
def test_a_submit_that_dies_late_has_made_the_job(batch: Batch) -> None:
    """With its key the second submit gives the id of the first."""
    options = ("churn.onnx", "rows.csv", "--key", "id", "-o", "out", "--chunk-rows", "500", "--idempotency-key", "once")
    batch.armed("submit.recorded=kill").program("submit", *options, code=-signal.SIGKILL)
    (job,) = batch.asking.json("jobs")
    assert job["job_id"] == batch.program("submit", *options).stdout.strip()
    batch.resume()
    batch.prove()
