"""A hundred deaths, at every step and at any moment: not collected by itself, but by `make campaign`."""

import os
import random
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.acceptance.program import Program
from tests.faults.dying import STEPS
from tests.faults.scene import Scene
from tests.faults.tables import TableJob
from tests.servers import Servers
from tests.waiting import wait_for

DEATHS = 100
PER_JOB = 20
ENDING = ("index", "settle")
"""Steps that come once, after all others."""


def plan(dice: random.Random) -> list[str]:
    """Half at a step, half at a moment; the job ends after the last of them."""
    middle = [step for step in STEPS if step not in ENDING]
    deaths = [
        f"{dice.choice(middle)}:{dice.choice(('before', 'after'))}:{dice.randint(1, 6)}"
        if dice.random() < 0.5
        else f"moment:{dice.uniform(0.1, 1.0):.3f}"
        for _ in range(PER_JOB - len(ENDING))
    ]
    return deaths + [f"{step}:{dice.choice(('before', 'after'))}:1" for step in ENDING]


@pytest.mark.parametrize("number", range(DEATHS // PER_JOB))
def test_a_hundred_deaths_double_and_lose_no_row(
    number: int, tmp_path: Path, fresh_postgres: Callable[[], str]
) -> None:
    """Every row of the part files stands in the table exactly once."""
    options = ((), ("--partition-by", "job"), ("--partition-by", "slot"))[number % 3]
    job = TableJob.submit(tmp_path, fresh_postgres(), rows=300_000, chunk_rows=500, options=options)
    dice = random.Random(number)
    deaths = plan(dice)
    died = job.survive(*deaths)
    sys.stdout.write(f"{died} of {len(deaths)} deaths: {' '.join(deaths)}\n")
    assert died >= PER_JOB - 2
    job.check()


FLEET_DEATHS = 10


def test_a_worker_that_dies_time_and_again_doubles_and_loses_no_row(
    deployed: Program, private_servers: Servers, tmp_path: Path
) -> None:
    """Killed with its children amid its work, while the scheduler lives on: rescued chunks go to the next worker."""
    program = deployed.with_settings(SCORING_MAX_ATTEMPTS="1000", SCORING_LEASE_SECONDS="2")
    scene = Scene(program=program, servers=private_servers)
    url, dice = program.settings["SCORING_DATABASE_URL"], random.Random(7)
    job = TableJob.submit(tmp_path, url, rows=150_000, chunk_rows=500, program=program)
    with ExitStack() as stack:
        stack.enter_context(scene.running("scheduler"))
        for death in range(FLEET_DEATHS):
            with scene.running("worker", "--concurrency", 2) as worker:
                before = job.done()
                wait_for(lambda before=before: job.done() > before, f"a chunk before death {death}")  # type: ignore[misc]
                threading.Event().wait(dice.uniform(0, 1))
                os.killpg(worker.pid, signal.SIGKILL)
        stack.enter_context(scene.running("worker", "--concurrency", 2))
        program("wait", job.job_id, "--timeout", "110s")
    job.check()
