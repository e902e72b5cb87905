"""Nights that a schedule no longer keeps: what goes from disk and ledger, and what a kill leaves to the next run."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from sqlalchemy import select, update

from scoring.core.arguments import job_options
from scoring.core.errors import ExitCode, InputMissing
from scoring.core.ids import JobId, new_job_id
from scoring.core.schedules.cron import CronLine
from scoring.core.schedules.definition import ScheduleDefinition
from scoring.core.states import JobState
from scoring.data.remains import Remains
from scoring.ledger import jobs, reports, result_tables, retention, schedules, schema_version, steps
from scoring.ledger.records import Job
from scoring.ledger.tables import jobs as job_rows
from scoring.pipeline.context import Context
from scoring.pipeline.prepare import JobRequest
from scoring.pipeline.results import job_rows as rows_of
from scoring.pipeline.retention import Swept, sweep
from scoring.pipeline.submit import draft, record
from scoring.pipeline.work import work
from tests.ledger.desk import score_of, split_of
from tests.servers.postgres import plain
from tests.small_models import linear_model
from tests.unit.pipeline.test_lease import context_in

FIRST = datetime(2026, 3, 1, 2, tzinfo=UTC)
DAY = timedelta(days=1)
LEFTOVERS = 86_400.0


class Killed(BaseException):
    """As a killed process: nothing behind it is done."""


@pytest.fixture(autouse=True)
def files_to_score(tmp_path: Path) -> None:
    linear_model(tmp_path / "linear.onnx", weights=[1.0, 1.0])
    values = [None, 1.0, 2.0, 3.0]
    pq.write_table(pa.table({"a": pa.array(values, pa.float32()), "b": [1.0] * 4}), tmp_path / "rows.parquet")


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    opened = context_in(tmp_path)
    keep(opened, "1")
    yield opened
    opened.ledger.close()


def keep(context: Context, text: str, name: str = "nightly") -> None:
    nightly = ScheduleDefinition(
        name=name,
        line=CronLine.parse("0 2 * * *", "UTC"),
        model="linear",
        inputs=("/data/{slot:%Y-%m-%d}.csv",),
        keep=text,
    )
    context.ledger.run(lambda tx: schedules.add(tx, nightly, next_slot=None))


def night(
    context: Context, folder: Path, number: int, *, end: bool = True, schedule: str = "nightly", **options: object
) -> Job:
    """The job of one night, with one reject and three rows; it ended an hour ago."""
    chosen = {"output": str(folder / f"out{number}"), "max_rejected": "50%", "nulls": "reject"} | options
    request = JobRequest(
        model=str(folder / "linear.onnx"), inputs=(str(folder / "rows.parquet"),), options=job_options(**chosen)
    )
    made = draft(context, request, schedule=schedule, slot=FIRST + number * DAY)
    job = context.ledger.run(lambda tx: record(tx, made))
    work(context, split_of(job.id), Event())
    work(context, score_of(job.id, 0), Event())
    if end:
        context.ledger.run(lambda tx: steps.arm_finalize(tx, job.id))
        (last,) = context.ledger.look(lambda tx: steps.open_steps(tx, job.id))
        work(context, last.id, Event())
        hour = update(job_rows).where(job_rows.c.job_id == job.id)
        context.ledger.run(lambda tx: tx.execute(hour.values(finished_at=job_rows.c.finished_at - 3600 * 10**6)))
    return read(context, job.id)


def read(context: Context, job_id: JobId) -> Job:
    return context.ledger.look(lambda tx: jobs.job(tx, job_id))


def gc(context: Context, *, dry_run: bool = False) -> list[Swept]:
    return list(sweep(context, leftovers_seconds=LEFTOVERS, dry_run=dry_run))


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_batch_goes_whole(context: Context, tmp_path: Path) -> None:
    """Result, rejects, labels and the folder; the next night and the totals stay."""
    old, new = night(context, tmp_path, 0), night(context, tmp_path, 1)
    labels = context.settings.store / "labels" / old.id
    labels.mkdir(parents=True)
    (labels / "1.parquet").write_bytes(b"12345")
    expected = [*files(tmp_path / "out0"), "1.parquet"]
    size = sum(path.stat().st_size for path in (tmp_path / "out0").rglob("*") if path.is_file())
    kept = files(tmp_path / "out1")
    dry = gc(context, dry_run=True)
    assert [Swept(schedule="nightly", jobs=(old.id,), files=len(expected), bytes=size + 5)] == dry
    assert dry == gc(context)
    assert not (tmp_path / "out0").exists()
    assert not labels.exists()
    assert kept == files(tmp_path / "out1")
    facts = context.ledger.look(lambda tx: reports.job_progress(tx, old.id))
    assert ("succeeded", 3, 1) == (facts["state"], facts["rows_scored"], facts["rows_rejected"])
    with pytest.raises(InputMissing, match=old.id):
        rows_of(read(context, old.id))
    found = rows_of(read(context, new.id))
    assert found is not None
    assert 3 == found.count_rows()
    assert [] == gc(context)


def test_a_dry_run_changes_nothing(context: Context, tmp_path: Path) -> None:
    """Neither on disk nor in the ledger."""
    old, _ = night(context, tmp_path, 0), night(context, tmp_path, 1)
    before = files(tmp_path / "out0")
    gc(context, dry_run=True)
    assert before == files(tmp_path / "out0")
    assert old == read(context, old.id)


@contextmanager
def killed(place: object, name: str, *, after: bool) -> Iterator[None]:
    """Die at the first call, before or after it."""
    whole: Callable[..., object] = getattr(place, name)

    def last(*arguments: object, **more: object) -> None:
        if after:
            whole(*arguments, **more)
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(place, name, last)
        with pytest.raises(Killed):
            yield


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    ("place", "name"),
    [(retention, "purge"), (Remains, "remove"), (result_tables, "drop_rows"), (retention, "drop_rows")],
)
def test_a_kill_is_made_good_by_the_next_run(
    context: Context, tmp_path: Path, place: object, name: str, after: bool
) -> None:
    """At every step, and though the schedule is gone meanwhile, once the job was marked."""
    old, _ = night(context, tmp_path, 0), night(context, tmp_path, 1)
    with killed(place, name, after=after):
        gc(context)
    if read(context, old.id).purged_at is not None:
        context.ledger.run(lambda tx: schedules.remove(tx, "nightly"))
    gc(context)
    assert read(context, old.id).purged_at is not None
    assert [] == context.ledger.look(retention.half_purged)
    assert not (tmp_path / "out0").exists()


def test_a_result_that_a_later_night_has_replaced_is_left(context: Context, tmp_path: Path) -> None:
    """One output for all nights: the files are the last one's, only the rows of the earlier ones go."""
    old = night(context, tmp_path, 0, output=str(tmp_path / "out"), overwrite=True)
    night(context, tmp_path, 1, output=str(tmp_path / "out"), overwrite=True)
    before = files(tmp_path / "out")
    assert [Swept(schedule="nightly", jobs=(old.id,), files=0, bytes=0)] == gc(context)
    assert before == files(tmp_path / "out")


def test_a_file_of_a_user_is_left(context: Context, tmp_path: Path) -> None:
    """It keeps its folder; nothing else of it stays."""
    night(context, tmp_path, 0)
    night(context, tmp_path, 1)
    (tmp_path / "out0" / "notes.txt").write_text("mine")
    gc(context)
    assert ["notes.txt"] == files(tmp_path / "out0")


def test_a_live_attempt_keeps_its_files(context: Context, tmp_path: Path) -> None:
    """A night that is still at work, older than all that is kept."""
    live = night(context, tmp_path, 0, end=False)
    night(context, tmp_path, 1)
    before = files(tmp_path / "out0")
    assert before
    assert [] == gc(context)
    assert before == files(tmp_path / "out0")
    assert JobState.RUNNING is read(context, live.id).state


def test_a_delta_table_goes_with_its_job(context: Context, tmp_path: Path) -> None:
    """Log and all, where nobody but jobs has committed to it."""
    night(context, tmp_path, 0, output_format="delta")
    night(context, tmp_path, 1)
    gc(context)
    assert not (tmp_path / "out0").exists()


def test_a_delta_table_that_a_user_changed_is_left_with_a_word(context: Context, tmp_path: Path) -> None:
    """Its versions name the parts: they stay."""
    night(context, tmp_path, 0, output_format="delta")
    night(context, tmp_path, 1)
    out = str(tmp_path / "out0")
    write_deltalake(out, DeltaTable(out).to_pyarrow_table(), mode="append")
    (swept,) = gc(context)
    assert "a user has committed" in swept.notes[0]
    table: pa.Table = DeltaTable(out).to_pyarrow_table()
    assert [1, 1, 2, 2, 3, 3] == sorted(table["_row"].to_pylist())


def test_an_output_out_of_sight_is_left(context: Context, tmp_path: Path) -> None:
    """It may be a disk that is not mounted here."""
    (tmp_path / "disk").mkdir()
    old = night(context, tmp_path, 0, output=str(tmp_path / "disk" / "out"))
    night(context, tmp_path, 1)
    (tmp_path / "disk").rename(tmp_path / "unmounted")
    (swept,) = gc(context)
    assert ((), 1) == (swept.jobs, len(swept.notes))
    assert read(context, old.id).purged_at is None


def test_what_cannot_be_removed_keeps_nothing_else(context: Context, tmp_path: Path) -> None:
    """The error is told, the other batch goes, and the next run does the rest."""
    stuck, other, _ = (night(context, tmp_path, number) for number in range(3))
    with pytest.MonkeyPatch.context() as patch:
        whole = Path.unlink

        def refuse(path: Path, missing_ok: bool = False) -> None:
            if path.parent.name == "out0":
                raise PermissionError(13, "read-only")
            whole(path, missing_ok=missing_ok)

        patch.setattr(Path, "unlink", refuse)
        (swept,) = gc(context)
    assert (other.id,) == swept.jobs
    assert ["storage"] == [error.code for error in swept.errors]
    assert [(stuck.id,)] == [swept.jobs for swept in gc(context)]


def test_the_rows_of_a_table_go_too(postgres_url: str, tmp_path: Path) -> None:
    """Those of the batch alone, by its partition or without one. A reader of a table keeps nothing else from going."""
    schema_version.upgrade(postgres_url)
    context = context_in(tmp_path, SCORING_DATABASE_URL=postgres_url)
    nights = []
    for table, partition_by in (("plain", None), ("cut", "slot")):
        keep(context, "1", table)
        for number in range(2):
            out = str(tmp_path / f"{table}{number}")
            options = {"to_table": table, "partition_by": partition_by, "output": out}
            nights.append(night(context, tmp_path, number, schedule=table, **options).id)
    with psycopg.connect(plain(postgres_url)) as reader:
        reader.execute("SELECT count(*) FROM cut")
        kept_by_reader, gone = sorted(gc(context), key=lambda swept: str(swept.schedule))
    assert ("plain", tuple(nights[:1]), ()) == (gone.schedule, gone.jobs, gone.errors)
    ((error,), left) = (kept_by_reader.errors, kept_by_reader.jobs)
    assert ((), ExitCode.INPUT_REFUSED) == (left, error.exit_code)
    assert f"the rows of job {nights[2]} stay in public.cut" in str(error)
    assert (tmp_path / "cut0").exists()
    assert {"cut": nights[2:3]} == {swept.schedule: [*swept.jobs] for swept in gc(context)}
    context.ledger.close()
    with psycopg.connect(plain(postgres_url)) as connection:
        for table, kept in (("plain", nights[1]), ("cut", nights[3])):
            assert [(kept, 3)] == connection.execute(f"SELECT job_id, count(*) FROM {table} GROUP BY 1").fetchall()


def test_leftovers_go_once_they_are_old(context: Context, tmp_path: Path) -> None:
    """Standard input of a submit without a job, chunk files and staged files of jobs that are over."""
    job = night(context, tmp_path, 0)
    lost = context.settings.store / "work" / new_job_id()
    staged = tmp_path / "out0" / "_staging" / job.id
    for folder in (lost, staged, context.work_folder(job.id)):
        folder.mkdir(parents=True)
        (folder / "file").write_bytes(b"1234")
    (context.settings.store / "work" / "notes").mkdir()
    assert [] == gc(context)
    (swept,) = sweep(context, leftovers_seconds=-1.0)
    assert (None, 3, 12) == (swept.schedule, swept.files, swept.bytes)
    assert {job.id, lost.name} == set(swept.jobs)
    assert ["notes"] == [path.name for path in (context.settings.store / "work").iterdir()]
    assert not staged.exists()


def test_the_age_of_a_file_is_told_by_its_file_system(context: Context) -> None:
    """Of a server whose clock is two hours behind: what was written a moment ago looks old, and is not."""
    behind = time.time() - 7_200
    folder = context.settings.store / "work" / new_job_id()
    folder.mkdir(parents=True)
    os.utime(folder, (behind, behind))
    assert [] == list(sweep(context, leftovers_seconds=3_600.0, clock=lambda _: behind + 60))
    assert folder.is_dir()
    assert [1] == [
        len(swept.jobs) for swept in sweep(context, leftovers_seconds=3_600.0, clock=lambda _: behind + 3_660)
    ]
    assert not folder.exists()


def test_a_live_job_keeps_its_chunk_files_whatever_their_age(context: Context, tmp_path: Path) -> None:
    """They are not leftovers."""
    live = night(context, tmp_path, 0, end=False)
    context.work_folder(live.id).mkdir(parents=True, exist_ok=True)
    assert [] == list(sweep(context, leftovers_seconds=-1.0))
    assert context.work_folder(live.id).is_dir()
    states = context.ledger.look(lambda tx: list(tx.scalars(select(job_rows.c.purged_at))))
    assert [None] == states
