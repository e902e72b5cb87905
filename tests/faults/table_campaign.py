"""A hundred deaths, at every step and at any moment: not collected by itself, but by `make campaign`."""

import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.dying import STEPS
from tests.faults.tables import TableJob

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
