"""Reading a result back whose files are not all there: what is said, and with which exit code."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scoring.core.errors import InputMissing, StorageFault
from scoring.data.manifest import FORMAT, MANIFEST
from scoring.ledger.database import Ledger
from scoring.ledger.records import Job
from scoring.pipeline.query import query
from scoring.pipeline.results import job_rows
from tests.ledger.desk import Desk

SQL = [
    "SELECT _row FROM results('last')",
    "SELECT _row FROM results_churn ORDER BY _row",
    "SELECT _row FROM latest_churn ORDER BY _row",
]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield opened
    opened.close()


@pytest.fixture
def job(ledger: Ledger, tmp_path: Path) -> Job:
    """A job that succeeded with three parts of one row."""
    desk = Desk(ledger)
    output = tmp_path / "out"
    started = desk.running(3, output=str(output))
    output.mkdir()
    for chunk in range(3):
        desk.complete(started.id, chunk)
        pq.write_table(pa.table({"_row": [chunk]}), output / f"part-{chunk:06d}.parquet")
    names = [f"part-{chunk:06d}.parquet" for chunk in range(3)]
    parts = [{"chunk": n, "path": name, "bytes": (output / name).stat().st_size} for n, name in enumerate(names)]
    manifest = {"format": FORMAT, "job_id": started.id, "parts": parts, "rejects": []}
    (output / MANIFEST).write_text(json.dumps(manifest))
    return desk.finish(started.id)


def ask(ledger: Ledger, sql: str) -> list[int]:
    with query(ledger, sql) as rows:
        return [row["_row"] for batch in rows.batches for row in batch.to_pylist()]


@pytest.mark.parametrize("sql", SQL)
def test_a_whole_result_is_read(ledger: Ledger, job: Job, sql: str) -> None:
    """All parts; those of one job in input order without a word."""
    assert [0, 1, 2] == ask(ledger, sql)


@pytest.mark.parametrize("gone", [[0], [1], [1, 2]])
def test_a_result_that_lacks_a_part_is_refused_in_three_parts(ledger: Ledger, job: Job, gone: list[int]) -> None:
    """The file is named with what to do, by `results` and in SQL alike, and exits like a missing result."""
    for chunk in gone:
        (Path(job.output) / f"part-{chunk:06d}.parquet").unlink()
    reads = [lambda: job_rows(job), *(lambda sql=sql: ask(ledger, sql) for sql in SQL)]
    for read in reads:
        with pytest.raises(InputMissing) as refusal:
            read()
        assert 4 == refusal.value.exit_code
        assert f"part-{gone[0]:06d}.parquet" in refusal.value.expected
        assert ("1 more" in refusal.value.expected) == (len(gone) == 2)
        assert "no such file" == refusal.value.got
        assert "score it again" in refusal.value.remedy


@pytest.mark.parametrize("read", [job_rows, *SQL])
def test_a_part_that_was_replaced_is_refused(ledger: Ledger, job: Job, read: Any) -> None:
    """Rows of somebody else are no result, sound as their file may be; both sizes are named."""
    part = Path(job.output) / "part-000001.parquet"
    size = part.stat().st_size
    pq.write_table(pa.table({"_row": [1] * 1_000, "more": ["x"] * 1_000}), part)
    with pytest.raises(InputMissing) as refusal:
        read(job) if callable(read) else ask(ledger, read)
    assert f"{part} of {size:,} bytes" == refusal.value.expected
    assert f"a file of {part.stat().st_size:,} bytes" == refusal.value.got


@pytest.mark.parametrize("read", [job_rows, *SQL])
@pytest.mark.parametrize("manifest", [True, False])
def test_a_link_is_no_part(ledger: Ledger, job: Job, tmp_path: Path, read: Any, manifest: bool) -> None:
    """Nobody is led out of the folder, with a manifest or without one; not even to the same bytes."""
    part = Path(job.output) / "part-000002.parquet"
    part.rename(tmp_path / "elsewhere.parquet")
    part.symlink_to(tmp_path / "elsewhere.parquet")
    if not manifest:
        (Path(job.output) / MANIFEST).unlink()
    with pytest.raises(InputMissing, match="a link"):
        read(job) if callable(read) else ask(ledger, read)


def test_a_result_that_is_gone_is_left_out_of_its_model(ledger: Ledger, job: Job) -> None:
    """Nobody is kept from the other results of a model by one that was cleared away."""
    for part in Path(job.output).glob("part-*"):
        part.unlink()
    assert [] == ask(ledger, "SELECT _row FROM results_churn")
    with pytest.raises(InputMissing, match="is gone"):
        job_rows(job)


@pytest.mark.parametrize("sql", SQL)
@pytest.mark.parametrize("part", [0, 2])
@pytest.mark.parametrize("content", [b"", b"PAR1 cut off"])
def test_a_damaged_part_is_not_blamed_on_the_statement(
    ledger: Ledger, job: Job, sql: str, part: int, content: bytes
) -> None:
    """Whichever part it is, the message is about the file; its size is as it was."""
    file = Path(job.output) / f"part-{part:06d}.parquet"
    file.write_bytes(content.ljust(file.stat().st_size, b"x"))
    with pytest.raises(StorageFault, match=f"part-{part:06d}"):
        ask(ledger, sql)


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (pa.array([1.5], pa.float16()), 1.5),
        (pa.array([[1.5]], pa.list_(pa.float16())), [1.5]),
        (pa.array([[1.5]], pa.list_(pa.float16(), 1)), [1.5]),
        (pa.array([Decimal("1.5")], pa.decimal256(60, 2)), "1.5"),
    ],
)
def test_types_that_sql_does_not_know_are_read_as_the_nearest(
    ledger: Ledger, job: Job, values: pa.Array, shown: object
) -> None:
    """A column that was carried in such a type keeps nobody from asking."""
    for chunk in range(3):
        pq.write_table(pa.table({"_row": [chunk], "k": values}), Path(job.output) / f"part-{chunk:06d}.parquet")
    (Path(job.output) / MANIFEST).unlink()
    for sql in SQL:
        with query(ledger, sql.replace("_row", "k")) as rows:
            assert [shown] * 3 == [row["k"] for batch in rows.batches for row in batch.to_pylist()]
