"""`scoring schedule`: the batches of some nights, by the commands that a person types."""

import os
import signal
import subprocess
from pathlib import Path

from tests.acceptance.conftest import WriteRows
from tests.acceptance.program import BIN, Program
from tests.waiting import wait_for

NIGHTS = ("2026-03-28", "2026-03-29", "2026-03-30")
"""Berlin set its clocks forward in the second one."""


def add(program: Program, model: Path, *options: object) -> None:
    nightly = ("--cron", "30 2 * * *", "--timezone", "Europe/Berlin", "--model", model)
    program("schedule", "add", "churn", *nightly, "--input", "rows-{slot:%d}.csv", *options)


def test_one_slot_is_run_by_hand(program: Program, model: Path, write_rows: WriteRows) -> None:
    """Its job bears schedule and slot, reads and writes what the templates name, and is the same the second time."""
    add(program, model, "--output", "out/{slot:%Y-%m-%d}", "--key", "id")
    write_rows("rows-29.csv", 500)
    job = program.json("schedule", "run", "churn", "--slot", "2026-03-29T03:00", "--wait")
    again = program("schedule", "run", "churn", "--slot", "2026-03-29T03:00")
    assert ("succeeded", "churn", "2026-03-29T01:00:00Z", 500) == (
        *(job["state"], job["schedule"], job["slot"]),
        job["rows_scored"],
    )
    assert (program.folder / "out/2026-03-29/_SUCCESS").exists()
    assert f"{job['job_id']}\n" == again.stdout
    assert program.json("schedule", "run", "churn", "--slot", "2026-03-28T02:30", code=4)["error"]["code"]
    told = program.json("sql", "select state, job_state, error_code from schedule_slots order by slot desc")
    assert [("submitted", "succeeded", None), ("refused", None, "input_missing")] == [
        (slot["state"], slot["job_state"], slot["error_code"]) for slot in told
    ]


def test_past_nights_are_done_by_one_process(program: Program, model: Path, write_rows: WriteRows) -> None:
    """`schedule backfill` queues them, and on one machine `scoring scheduler` does all the rest."""
    add(program, model, "--output", "out/{slot:%Y-%m-%d}")
    for night in NIGHTS:
        write_rows(f"rows-{night[-2:]}.csv", 200)
    program("schedule", "backfill", "churn", "--from", NIGHTS[0], "--to", NIGHTS[-1], "--max-parallel", 2)
    scheduler = program.start("scheduler")
    try:
        wait_for(lambda: all((program.folder / "out" / night / "_SUCCESS").exists() for night in NIGHTS), "all nights")
    finally:
        scheduler.send_signal(signal.SIGTERM)
        _, err = scheduler.communicate(timeout=60)
    assert 0 == scheduler.returncode, err
    jobs = program.json("sql", "select slot, state, rows_scored from job_progress order by slot")
    assert [("2026-03-28T01:30:00Z", 200), ("2026-03-29T01:00:00Z", 200), ("2026-03-30T00:30:00Z", 200)] == [
        (job["slot"], job["rows_scored"]) for job in jobs
    ]


def test_the_line_for_crontab_makes_one_job_however_often_it_runs(
    program: Program, model: Path, write_rows: WriteRows
) -> None:
    """What `export --crontab` prints runs as it stands, and its idempotency key holds."""
    rows = write_rows("it's rows.csv", 100)
    key = ("--idempotency-key", "{name}-{slot:%Y-%m-%d}")
    program("schedule", "add", "churn", "--cron", "@daily", "--model", model, "--input", rows, *key)
    line = program("schedule", "export", "churn", "--crontab").stdout.splitlines()[-1]
    command = line.split(" ", 5)[5].replace("\\%", "%")
    env = {**os.environ, "SCORING_HOME": str(program.folder / "home"), "PATH": f"{BIN}:{os.environ['PATH']}"}
    ids = [
        subprocess.run(["sh", "-c", command], env=env, check=True, capture_output=True, text=True, timeout=60).stdout
        for _ in range(2)
    ]
    assert ids[0] == ids[1]
    assert 1 == len(program.json("jobs"))
