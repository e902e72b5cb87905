"""`scoring gc` as cron runs it."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.acceptance.conftest import WriteRows
from tests.acceptance.program import Program

JOB = ("--model", "churn.onnx", "--input", "{slot:%Y-%m-%d}.csv", "--key", "id", "--output", "out/{slot:%Y-%m-%d}")


def test_old_nights_go_and_their_memory_stays(program: Program, model: Path, write_rows: WriteRows) -> None:
    """Files and rows of the nights beyond `--keep`, with words and as JSON, once only."""
    program("schedule", "add", "nightly", "--cron", "0 2 * * *", "--keep", "1", *JOB)
    for day in (1, 2):
        write_rows(f"2026-03-0{day}.csv", 50)
        program("schedule", "run", "nightly", "--slot", f"2026-03-0{day}T02:00", "--wait")
    with closing(sqlite3.connect(program.folder / "home" / "ledger.db")) as ledger, ledger:
        ledger.execute("UPDATE jobs SET finished_at = finished_at - 3600000000")
    assert "nightly" in program("gc", "--dry-run").stdout
    (swept,) = program.json("gc")
    assert ("nightly", 1) == (swept["schedule"], len(swept["jobs"]))
    assert swept["bytes"] > 0
    assert ["2026-03-02"] == [path.name for path in (program.folder / "out").iterdir()]
    (job,) = swept["jobs"]
    (memory,) = program.json("sql", f"SELECT rows_scored, purged_at FROM job_progress WHERE job_id = '{job}'")
    assert 50 == memory["rows_scored"]
    assert memory["purged_at"].endswith("Z")
    assert "purged" in program("results", job, code=4).stderr
    assert "nothing to remove" in program("gc").stderr
