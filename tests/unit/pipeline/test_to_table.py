"""A job whose table is not what it was: how it ends."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scoring.core.arguments import job_options
from scoring.core.errors import ErrorCode, OutputRefused, UsageError
from scoring.core.schedules.cron import CronLine
from scoring.core.schedules.definition import ScheduleDefinition
from scoring.core.states import JobState
from scoring.ledger import jobs, schema_version, steps
from scoring.ledger.records import Job
from scoring.pipeline.context import Context
from scoring.pipeline.prepare import JobRequest
from scoring.pipeline.submit import submit
from scoring.pipeline.work import work
from tests.ledger.desk import finalize_of, score_of, split_of
from tests.servers.postgres import plain
from tests.small_models import linear_model
from tests.unit.pipeline.test_lease import context_in


@pytest.fixture
def context(tmp_path: Path, postgres_url: str) -> Iterator[Context]:
    schema_version.upgrade(postgres_url)
    opened = context_in(tmp_path, SCORING_DATABASE_URL=postgres_url)
    yield opened
    opened.ledger.close()


def scored(context: Context, folder: Path) -> Job:
    """A job of four rows in two chunks, both committed; its verdict is still to come."""
    linear_model(folder / "linear.onnx", weights=[1.0, 1.0])
    pq.write_table(
        pa.table({"a": pa.array([0.0, 1.0, 2.0, 3.0], pa.float32()), "b": [1.0] * 4}), folder / "rows.parquet"
    )
    options = job_options(output=str(folder / "out"), to_table="scores", chunk_rows=2)
    request = JobRequest(model=str(folder / "linear.onnx"), inputs=(str(folder / "rows.parquet"),), options=options)
    job = submit(context, request, ring=False).job
    for step in (split_of(job.id), score_of(job.id, 0), score_of(job.id, 1)):
        work(context, step, Event())
    return job


def finished(context: Context, job: Job) -> Job:
    context.ledger.run(lambda tx: steps.arm_finalize(tx, job.id))
    work(context, finalize_of(job.id), Event())
    return context.ledger.look(lambda tx: jobs.job(tx, job.id))


def ask(url: str, *statements: str) -> list[tuple[object, ...]]:
    with psycopg.connect(plain(url), autocommit=True) as connection:
        *before, last = statements
        for statement in before:
            connection.execute(statement)
        return connection.execute(last).fetchall()


INDEXES = "SELECT count(*) FROM pg_indexes WHERE tablename = 'scores'"


def test_a_job_whose_rows_went_with_their_table_does_not_succeed(
    context: Context, tmp_path: Path, postgres_url: str
) -> None:
    """Though every chunk has; no index is built for it, and `retry` says at once that it cannot help."""
    job = scored(context, tmp_path)
    assert [(0,)] == ask(postgres_url, "DROP TABLE scores CASCADE", "SELECT 0")
    assert (JobState.FAILED, ErrorCode.TABLE_REFUSED) == ((end := finished(context, job)).state, end.error_code)
    assert "lost rows" in str(end.error)
    with pytest.raises(OutputRefused, match=r"cannot be retried.*no such table"):
        context.ledger.run(lambda tx: jobs.retry(tx, job.id))


@pytest.mark.parametrize(("stopped", "indexes"), [(False, 1), (True, 0)])
def test_indexes_are_built_for_a_job_that_succeeds(
    context: Context, tmp_path: Path, postgres_url: str, stopped: bool, indexes: int
) -> None:
    """The retry of a failed one would pay for them, row by row."""
    job = scored(context, tmp_path)
    if stopped:
        context.ledger.run(lambda tx: jobs.stop(tx, job.id, ErrorCode.TOO_MANY_REJECTS, "2 of 4 rows"))
    assert stopped == (finished(context, job).state is JobState.FAILED)
    assert [(indexes,)] == ask(postgres_url, INDEXES)


@pytest.mark.parametrize("name", ["a;b", "", "a.b.c", "pg_catalog.x", "1a", "x" * 56])
def test_a_name_of_no_table_is_refused_at_every_door(name: str) -> None:
    """A schedule would find out at night."""
    with pytest.raises(UsageError, match="--to-table"):
        job_options(to_table=name)
    with pytest.raises(UsageError, match="--to-table"):
        ScheduleDefinition(
            name="nightly",
            line=CronLine.parse("0 2 * * *", "UTC"),
            model="m",
            inputs=("a.csv",),
            arguments={"to_table": name},
        )
