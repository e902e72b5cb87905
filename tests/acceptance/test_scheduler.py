"""`scoring scheduler` without a deployment: one process does the night."""

import signal
import subprocess
from pathlib import Path

import pyarrow.csv

from tests.acceptance.conftest import customers
from tests.acceptance.program import Program
from tests.small_models import churn_model
from tests.waiting import wait_for

NIGHTS = ("2026-01-01", "2026-01-02")


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
        wait_for(lambda: _succeeded(program) == 3, "three nights")
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
    assert 0 == process.returncode, said
    assert "nightly: slot 2026-01-02T02:00:00Z has job" in said
    assert ["nightly"] * 3 == [job["schedule"] for job in program.json("jobs")]
    assert {"succeeded"} == {job["state"] for job in program.json("jobs")}


def test_a_killed_process_is_followed_by_the_next_one(tmp_path: Path) -> None:
    """After kill -9 amid a job, the next scheduler ends that job, and with `--overlap forbid` the nights go on."""
    program = Program(tmp_path)
    churn_model(tmp_path / "churn.onnx")
    pyarrow.csv.write_csv(customers(30_000), tmp_path / "rows.csv")
    nightly = ("--cron", "0 2 * * *", "--key", "id", "-o", "out/{slot:%Y-%m-%d}", "--chunk-rows", "1000")
    program("schedule", "add", "nightly", "--model", "churn.onnx", "--input", "rows.csv", *nightly)
    program("schedule", "backfill", "nightly", "--from", NIGHTS[0], "--to", NIGHTS[1], "--max-parallel", "1")
    first = program.start("scheduler", stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: len(list((tmp_path / "out" / "2026-01-01").glob("part-*"))) >= 2, "two parts")
    finally:
        first.kill()
        first.communicate()
    assert not (tmp_path / "out" / "2026-01-01" / "_SUCCESS").exists()
    second = program.start("scheduler", stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: _succeeded(program) == 2, "two nights")
    finally:
        second.send_signal(signal.SIGTERM)
        second.communicate(timeout=30)
    assert [("succeeded", 30_000)] * 2 == [(job["state"], job["rows_scored"]) for job in program.json("jobs")]


def _succeeded(program: Program) -> int:
    """Jobs whose end stands in the ledger: `_SUCCESS` is there a moment before."""
    return sum(job["state"] == "succeeded" for job in program.json("jobs"))
