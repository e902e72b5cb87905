"""`--max-rejected` while the job runs: it stops as soon as its end is certain, and says why."""

from pathlib import Path
from threading import Event
from typing import Any

import pytest
from sqlalchemy import update

from scoring.core.errors import ErrorCode
from scoring.core.states import JobState
from scoring.ledger import parts
from scoring.ledger.records import Job
from scoring.ledger.tables import jobs as job_rows
from scoring.pipeline.context import Context
from scoring.pipeline.work import work
from tests.ledger.desk import score_of, split_of
from tests.unit.pipeline.one_job import rejects, result, submitted, table_model, worked, write_rows
from tests.unit.pipeline.test_lease import context_in

GOOD, BAD, REFUSED = "0", "x", "7"


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """One for all: a model that is known is not tried out again."""
    return context_in(tmp_path_factory.mktemp("home"))


def job_over(
    context: Context, folder: Path, cells: list[str], limit: str, name: str = "rows.csv", **options: Any
) -> Job:
    """A job with a row for each cell, four rows a chunk."""
    rows = write_rows(folder / name, i=cells if name.endswith(".csv") else list(map(int, cells)))
    model = table_model(folder / "table.onnx", [1.0, 2.0])
    return submitted(context, model, rows, **{"chunk_rows": 4, "max_rejected": limit} | options)


@pytest.mark.parametrize(
    ("limit", "cells", "chunks"),
    [
        ("1", [GOOD] * 4 + [BAD, BAD] + [GOOD] * 14, 2),  # a count, at its second reject
        ("2", [GOOD] * 4 + [BAD, BAD] + [GOOD] * 14, 5),  # exactly the limit is allowed
        ("0%", [GOOD] * 8 + [BAD] + [GOOD] * 11, 3),  # no share of whatever is left allows one
        ("10%", [BAD] * 12 + [GOOD] * 8, 1),  # 4 of 4 rows, and 16 more at most
        ("50%", [BAD] * 8 + [GOOD] * 12, 5),  # 8 of 8, and then 8 of 20
    ],
)
def test_rejects_of_the_split_end_it(
    context: Context, tmp_path: Path, limit: str, cells: list[str], chunks: int
) -> None:
    """No more chunks are made once there are too many rejects, or cannot be few enough any more."""
    job = job_over(context, tmp_path, cells, limit)
    work(context, split_of(job.id), Event())
    assert chunks == len(context.ledger.look(lambda tx: parts.chunks_without_part(tx, job.id)))
    ended = worked(context, job.id)
    assert (chunks < 5, chunks < 5) == (ended.state is JobState.FAILED, ended.error_code is ErrorCode.TOO_MANY_REJECTS)


@pytest.mark.parametrize(
    ("name", "limit", "stopped"),
    [
        ("rows.csv", "1", True),
        ("rows.csv", "2", False),
        ("rows.csv", "9%", True),  # 2 of 20
        ("rows.csv", "10%", False),
        ("rows.parquet", "1", True),
    ],
)
def test_rejects_of_the_model_stop_the_chunks_that_wait(
    context: Context, tmp_path: Path, name: str, limit: str, stopped: bool
) -> None:
    """What is finished is kept with its rejects, and without a manifest."""
    job = job_over(context, tmp_path, [GOOD, REFUSED, REFUSED] + [GOOD] * 17, limit, name)
    work(context, split_of(job.id), Event())
    work(context, score_of(job.id, 0), Event())
    ended = worked(context, job.id)
    assert (ErrorCode.TOO_MANY_REJECTS if stopped else None) == ended.error_code
    assert (2 if stopped else 18, [1, 2]) == (len(result(ended)), [reject["_row"] for reject in rejects(ended)])
    out = Path(ended.output)
    assert (stopped, not stopped) == ((out / "_partial.json").exists(), (out / "_manifest.json").exists())


@pytest.mark.parametrize(
    ("name", "cell", "words"),
    [
        ("rows.csv", BAD, "row 5 of {file}:7, column 'i': bad_value, 'x' is no int64"),
        ("rows.csv", REFUSED, "row 5 of {file}:7: model_refused, "),
        ("rows.parquet", REFUSED, "row 5 of {file}: model_refused, "),
    ],
)
def test_a_strict_job_names_its_first_bad_row(
    context: Context, tmp_path: Path, name: str, cell: str, words: str
) -> None:
    """File, line, column, code and reason stand in the job's error."""
    job = job_over(context, tmp_path, [GOOD] * 5 + [cell, cell, GOOD], "0", name)
    error = worked(context, job.id).error or ""
    assert words.format(file=tmp_path / name) in error
    assert "expected at most 0" in error


def test_a_worker_that_died_leaves_the_limit_to_the_verdict(context: Context, tmp_path: Path) -> None:
    """The chunk was committed and nobody has counted: the end of the job does, and names the row as well."""
    job = job_over(context, tmp_path, [GOOD, REFUSED, GOOD, GOOD], "50%")
    work(context, split_of(job.id), Event())
    work(context, score_of(job.id, 0), Event())
    strict = update(job_rows).where(job_rows.c.job_id == job.id)
    options = job.options.to_json() | {"max_rejected": {"rows": 0, "fraction": None}}
    context.ledger.run(lambda tx: tx.execute(strict.values(options=options)))
    ended = worked(context, job.id)
    assert ErrorCode.TOO_MANY_REJECTS is ended.error_code
    assert f"1 of 4 rows rejected, 0 allowed; row 1 of {tmp_path / 'rows.csv'}:3: model_refused" in str(ended.error)
