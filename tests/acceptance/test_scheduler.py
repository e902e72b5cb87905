"""`scoring scheduler` without a deployment: one process does the night."""

import signal
from pathlib import Path

import pyarrow.csv

from tests.acceptance.conftest import customers
from tests.acceptance.program import Program
from tests.small_models import churn_model
from tests.waiting import wait_for


def test_one_process_fires_schedules_and_does_their_jobs(tmp_path: Path) -> None:
    """Slots of a backfill are submitted one after the other and scored meanwhile; TERM ends it with 0."""
    program = Program(tmp_path)
    churn_model(tmp_path / "churn.onnx")
    pyarrow.csv.write_csv(customers(1_000), tmp_path / "rows.csv")
    nightly = ("--cron", "0 2 * * *", "--key", "id", "-o", "out/{slot:%Y-%m-%d}")
    program("schedule", "add", "nightly", "--model", "churn.onnx", "--input", "rows.csv", *nightly)
    program("schedule", "backfill", "nightly", "--from", "2026-01-01", "--to", "2026-01-03", "--max-parallel", "1")
    process = program.start("scheduler")
    try:
        results = [tmp_path / "out" / f"2026-01-0{day}" / "_SUCCESS" for day in (1, 2, 3)]
        wait_for(lambda: all(result.exists() for result in results), "three nights")
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
    assert 0 == process.returncode, said
    assert "nightly: slot 2026-01-02T02:00:00Z has job" in said
    assert ["nightly"] * 3 == [job["schedule"] for job in program.json("jobs")]
    assert {"succeeded"} == {job["state"] for job in program.json("jobs")}
