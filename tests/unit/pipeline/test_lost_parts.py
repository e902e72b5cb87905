"""What becomes of a job whose committed files somebody takes away before its end."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scoring.core.arguments import job_options
from scoring.core.errors import ErrorCode
from scoring.core.ids import JobId
from scoring.core.states import JobState, StepKind
from scoring.data.digests import digest_of
from scoring.ledger import jobs, steps, verdicts
from scoring.ledger.records import Job
from scoring.pipeline.context import Context
from scoring.pipeline.prepare import JobRequest
from scoring.pipeline.submit import submit
from scoring.pipeline.work import work
from tests.ledger.desk import Desk, score_of, split_of
from tests.small_models import linear_model
from tests.unit.pipeline.test_lease import context_in

CHUNKS = 3
ROWS = 4


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """One for all: a model that is known is not tried out again."""
    opened = context_in(tmp_path_factory.mktemp("home"))
    yield opened
    opened.ledger.close()


def scored(context: Context, folder: Path, chunks: int = CHUNKS, **options: object) -> Job:
    """A job of three chunks with one reject each, of which the first are scored; it wrote `out`."""
    model = linear_model(folder / "linear.onnx", weights=[1.0, 1.0])
    rows = CHUNKS * ROWS
    values = [None if row % ROWS == 0 else float(row) for row in range(rows)]
    pq.write_table(pa.table({"a": pa.array(values, pa.float32()), "b": [1.0] * rows}), folder / "rows.parquet")
    chosen: dict[str, Any] = {"output": str(folder / "out"), "chunk_rows": ROWS, "max_rejected": "50%"} | options
    request = JobRequest(
        model=str(model), inputs=(str(folder / "rows.parquet"),), options=job_options(nulls="reject", **chosen)
    )
    job = submit(context, request, ring=False).job
    work(context, split_of(job.id), Event())
    for chunk in range(chunks):
        work(context, score_of(job.id, chunk), Event())
    return job


def end(context: Context, job_id: JobId) -> Job:
    """Score what is left, finalize, and read the job again."""
    for chunk in range(CHUNKS):
        work(context, score_of(job_id, chunk), Event())
    context.ledger.run(lambda tx: steps.arm_finalize(tx, job_id))
    (last,) = context.ledger.look(lambda tx: steps.open_steps(tx, job_id))
    assert StepKind.FINALIZE is last.id.kind
    work(context, last.id, Event())
    return context.ledger.look(lambda tx: jobs.job(tx, job_id))


def listed(output: Path) -> dict[str, Any]:
    """`_partial.json`, once all that it lists is found to be there."""
    manifest: dict[str, Any] = json.loads((output / "_partial.json").read_text())
    for part in manifest["parts"]:
        path = output / part["path"]
        assert (part["bytes"], part["sha256"]) == (path.stat().st_size, digest_of(path))
    assert all((output / rejects["path"]).exists() for rejects in manifest["rejects"])
    return manifest


def chunks(entries: list[dict[str, Any]]) -> list[int]:
    return [entry["chunk"] for entry in entries]


def remove(name: str) -> Callable[[Path], None]:
    return lambda output: (output / name).unlink()


def tear(output: Path) -> None:
    (output / "part-000001.parquet").write_bytes(b"PAR1")


@pytest.mark.parametrize(
    ("before", "harm", "parts", "rejects"),
    [
        (2, shutil.rmtree, [2], [2]),
        (3, shutil.rmtree, [], []),
        (3, remove("part-000001.parquet"), [0, 2], [0, 1, 2]),
        (3, remove("_rejects/part-000000.parquet"), [0, 1, 2], [1, 2]),
        (3, tear, [0, 2], [0, 1, 2]),
    ],
    ids=["folder in mid-job", "folder before the end", "part", "rejects", "torn part"],
)
def test_a_lost_part_is_an_account_that_does_not_add_up(
    context: Context, tmp_path: Path, before: int, harm: Callable[[Path], None], parts: list[int], rejects: list[int]
) -> None:
    """The job fails with words that say what to do, `_partial.json` lists what is there; a retry ends alike."""
    output = tmp_path / "out"
    job_id = scored(context, tmp_path, before).id
    harm(output)
    for _ in range(2):
        job = end(context, job_id)
        assert (JobState.FAILED, ErrorCode.ACCOUNTING_BROKEN) == (job.state, job.error_code)
        assert str(output) in str(job.error)
        assert all(f"; {word} " in str(job.error) for word in ("expected", "got", "submit the job again with"))
        assert (parts, rejects) == (chunks(listed(output)["parts"]), chunks(listed(output)["rejects"]))
        assert not (output / "_staging").exists()
        context.ledger.run(lambda tx: verdicts.retry(tx, job_id))


def test_a_part_lost_after_a_good_verdict_takes_it_back(context: Context, tmp_path: Path) -> None:
    """A changed file that can still be read is found by its digest: no success, no `_SUCCESS`."""
    output = tmp_path / "out"
    job_id = scored(context, tmp_path).id
    shutil.copy(output / "part-000000.parquet", output / "part-000001.parquet")
    job = end(context, job_id)
    assert (JobState.FAILED, ErrorCode.ACCOUNTING_BROKEN) == (job.state, job.error_code)
    assert [0, 2] == chunks(listed(output)["parts"])
    assert not (output / "_SUCCESS").exists()


def test_a_lost_part_leaves_the_last_result_as_it_was(context: Context, tmp_path: Path) -> None:
    """With --overwrite a part of the last result is not taken for the lost one of the same name."""
    output = tmp_path / "out"
    end(context, scored(context, tmp_path).id)
    last = {path: path.read_bytes() for path in output.rglob("*") if path.is_file()}
    job_id = scored(context, tmp_path, overwrite=True).id
    shutil.rmtree(output / "_staging")
    job = end(context, job_id)
    assert (JobState.FAILED, ErrorCode.ACCOUNTING_BROKEN) == (job.state, job.error_code)
    assert last == {path: path.read_bytes() for path in output.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["part-000001.1.parquet.tmp", "rejects-000001.1.parquet.tmp"])
def test_a_staged_file_that_went_bad_is_never_published(context: Context, tmp_path: Path, name: str) -> None:
    """With --overwrite files wait for the verdict: a byte that turned meanwhile is found before it."""
    output = tmp_path / "out"
    job_id = scored(context, tmp_path, overwrite=True).id
    staged = output / "_staging" / job_id / name
    data = bytearray(staged.read_bytes())
    data[len(data) // 2] ^= 1
    staged.write_bytes(data)
    job = end(context, job_id)
    assert (JobState.FAILED, ErrorCode.ACCOUNTING_BROKEN) == (job.state, job.error_code)
    assert [] == list(output.glob("part-*"))


def test_a_cancelled_job_lists_what_is_there(context: Context, tmp_path: Path) -> None:
    """A lost part is no reason to leave a cancelled job without its `_partial.json`."""
    output = tmp_path / "out"
    job_id = scored(context, tmp_path, 2).id
    Desk(context.ledger).run(lambda tx: verdicts.cancel(tx, job_id))
    remove("part-000000.parquet")(output)
    job = end(context, job_id)
    assert (JobState.CANCELLED, [1]) == (job.state, chunks(listed(output)["parts"]))
    assert [] == context.ledger.look(lambda tx: steps.open_steps(tx, job_id))
