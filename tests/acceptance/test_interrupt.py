"""Jobs that were cut off: Ctrl-C, kill -9, and two at once."""

import signal
import subprocess
from pathlib import Path

import pyarrow.dataset as ds
import pytest

from tests.acceptance.conftest import WriteRows
from tests.acceptance.program import Program
from tests.waiting import wait_for

ROWS = 200_000
"""A hundred chunks: a run is in the middle of them when its first parts are seen."""


def started(program: Program, model: Path, rows: Path, out: str) -> subprocess.Popen[str]:
    """A run whose first parts are there and whose last ones are not."""
    process = program.start("run", model, rows, "--key", "id", "-o", out, "--chunk-rows", 2_000)
    wait_for(lambda: len(list((program.folder / out).glob("part-*.parquet"))) >= 3, "three parts")
    return process


@pytest.mark.fault("F24", "INT, TERM and KILL to a `scoring run` amid its chunks", "`resume` goes on at once; once")
@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGINT, 130),
        pytest.param(signal.SIGTERM, 143, marks=pytest.mark.exhaustive),
        pytest.param(signal.SIGKILL, -signal.SIGKILL, marks=pytest.mark.exhaustive),
    ],
)
def test_an_interrupted_run_is_resumed_to_the_same_result(
    program: Program, model: Path, write_rows: WriteRows, number: signal.Signals, code: int
) -> None:
    """However it ends, `scoring resume last` goes on at once, and no row is missing or doubled."""
    rows = write_rows("rows.csv", ROWS)
    process = started(program, model, rows, "out")
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert code == process.returncode, err
    if number is not signal.SIGKILL:
        assert "scoring resume" in err
    job = program.json("resume", "last")
    result = ds.dataset(sorted((program.folder / "out").glob("part-*.parquet"))).to_table(columns=["_row", "id"])
    assert ("succeeded", ROWS) == (job["state"], job["rows_scored"])
    assert list(range(ROWS)) == result["_row"].to_pylist()
    assert [f"c{number:07d}" for number in range(ROWS)] == result["id"].to_pylist()


@pytest.mark.exhaustive
def test_two_runs_in_one_home_do_not_disturb_each_other(program: Program, model: Path, write_rows: WriteRows) -> None:
    """Each works on its own job, whatever the other does."""
    rows = write_rows("rows.csv", 50_000)
    runs = [program.start("run", model, rows, "-o", out, "--chunk-rows", 2_000) for out in ("one", "two")]
    for run in runs:
        _, err = run.communicate(timeout=120)
        assert 0 == run.returncode, err
    for out in ("one", "two"):
        assert 50_000 == ds.dataset(sorted((program.folder / out).glob("part-*.parquet"))).count_rows()
    assert {1} == {chunk["attempts"] for chunk in program.json("sql", "select attempts from chunk_progress")}


def test_a_job_that_is_being_worked_on_cannot_be_resumed(program: Program, model: Path, write_rows: WriteRows) -> None:
    """The second process is told, and the first goes on."""
    process = started(program, model, write_rows("rows.csv", 2 * ROWS), "out")
    refused = program("resume", "last", code=2)
    assert "being worked on" in refused.stderr
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
