"""Who waits for a job outlasts a restart of the ledger."""

import subprocess
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pyarrow.parquet as pq
import pytest

from scoring.api import LOOK_SECONDS
from scoring.core.errors import ExitCode, LedgerAway
from scoring.pipeline.patience import ask_patiently
from tests.acceptance.conftest import customers
from tests.acceptance.program import Program
from tests.servers import Servers
from tests.servers.postgres import plain
from tests.small_models import churn_model
from tests.waiting import wait_for

IN_PYTHON = "import sys, scoring; scoring.Job(sys.argv[1]).wait()"
LOOKING = "SELECT max(state_change) FROM pg_stat_activity WHERE datname LIKE 'scoring_test_%'"
PAUSE = timedelta(seconds=LOOK_SECONDS)


def by_command(program: Program, job_id: str) -> subprocess.Popen[str]:
    return program.start("wait", job_id)


def by_python(program: Program, job_id: str) -> subprocess.Popen[str]:
    return program.start("-c", IN_PYTHON, job_id, name="python")


class Watch:
    """Whether the server has been asked again and again, not by a start alone."""

    def __init__(self, servers: Servers) -> None:
        self._url = plain(servers.postgres.url)
        self._first: datetime | None = None

    def __call__(self) -> bool:
        with psycopg.connect(self._url) as connection:
            row = connection.execute(LOOKING).fetchone()
        last: datetime | None = None if row is None else row[0]
        self._first = self._first or last
        return last is not None and self._first is not None and last - self._first > 2 * PAUSE


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F40", "Postgres restarts under `scoring wait` and under `Job.wait` of Python", "they tell the verdict"
)
@pytest.mark.parametrize(("wait", "code"), [(by_command, ExitCode.CANCELLED), (by_python, 1)])
def test_a_wait_outlasts_a_restart_of_the_ledger(
    deployed: Program,
    private_servers: Servers,
    tmp_path: Path,
    wait: Callable[[Program, str], subprocess.Popen[str]],
    code: int,
) -> None:
    """Postgres restarts under it, then the job is cancelled: that verdict is what the one who waits is told."""
    model, source = churn_model(tmp_path / "churn.onnx"), tmp_path / "rows.parquet"
    pq.write_table(customers(100), source)
    job_id = deployed("submit", model, source, "-o", tmp_path / "out").stdout.strip()
    waiting = wait(deployed, job_id)
    try:
        wait_for(Watch(private_servers), "several looks at the ledger")
        private_servers.postgres.restart()
        deployed("cancel", job_id)
        _, said = waiting.communicate(timeout=60)
    finally:
        waiting.kill()
    assert code == waiting.returncode, said
    assert "cancelled" in said


def test_patience_ends_with_the_time_to_wait() -> None:
    """A ledger that stays away is an error once the time is over, not a minute later."""
    asked = []

    def away() -> None:
        asked.append(time.monotonic())
        raise LedgerAway("the ledger does not answer")

    ends = time.monotonic() + 0.05
    with pytest.raises(LedgerAway):
        ask_patiently(away, pause=0.01, ends=ends)
    assert len(asked) > 1
    assert ends <= asked[-1] < ends + 5
