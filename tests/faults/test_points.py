"""Every named place in the life of a job: struck there once, the job ends whole by what its user would do next."""

import signal
from pathlib import Path
from typing import Any

import pytest

from scoring.failpoints import POINTS
from tests.faults.control.home import CHUNK_ROWS, ROWS, Home
from tests.faults.scene import undisturbed_digest

ELSEWHERE = {"rescue.commit"}
"""Places that a process alone does not come to: nobody has lost a lease to it."""

ALONE = tuple(point for point in POINTS if point not in ELSEWHERE)
FILES = ("split.written", "score.read", "stage.write", "stage.fsync", "stage.synced", "promote.rename")
FILES += ("promote.renamed", "finalize.promoted", "manifest.written")
REPRESENTATIVE = "promote.rename"
ROUNDS = 3
"""Commands that a user goes on with; a job that is not whole then never will be."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home.make(tmp_path)
    return Home(program=made.program.with_settings(SCORING_LEASE_SECONDS="2"))


def all_but_one(points: tuple[str, ...]) -> list[Any]:
    """One of them for `make test`, the others for `make faults`."""
    return [point if point == REPRESENTATIVE else pytest.param(point, marks=pytest.mark.exhaustive) for point in points]


def strike(home: Home, point: str, action: str) -> int:
    """Run the job in a process that is struck when it first comes there; its exit code."""
    struck = home.program.folder / "struck"
    process = home.run("--workers", 1, SCORING_FAILPOINTS=f"{point}={action}!{struck}")
    _, said = process.communicate(timeout=60)
    assert struck.exists(), f"nobody came to {point}: {said}"
    assert "Traceback" not in said, said
    return process.returncode


def go_on(home: Home) -> None:
    """What a user does who looks at the job: the same command again, `resume`, `retry`, or nothing."""
    for _ in range(ROUNDS):
        jobs = home.program.json("jobs")
        match jobs[0]["state"] if jobs else None:
            case "succeeded":
                return
            case None:
                process = home.run()
            case "failed":
                process = home.program.start("retry", "last")
            case _:
                process = home.resume()
        _, said = process.communicate(timeout=60)
        assert "Traceback" not in said, said


def charged(point: str, code: str) -> list[str]:
    """Failed attempts for an error there: none once the chunk is committed, for the finalize promotes what is left."""
    return [] if point.startswith("promote.") else [code]


def failed_attempts(home: Home) -> list[str]:
    """Their codes."""
    return [str(failure["error_code"]) for failure in home.program.json("failures", "last")["attempts"]]


def prove(home: Home) -> None:
    """One job, whole, with the content of one that nobody has disturbed."""
    (job,) = home.program.json("jobs")
    assert "succeeded" == job["state"], job
    assert undisturbed_digest(ROWS, CHUNK_ROWS) == home.program.json("audit", "last")["digest"]


@pytest.mark.fault(
    "F66", "KILL to a `scoring run` at each of its failpoints", "old or new, never torn; `resume` ends it"
)
@pytest.mark.parametrize("point", all_but_one(ALONE))
def test_a_run_that_dies_anywhere_is_made_whole(home: Home, point: str) -> None:
    """Old or new stands under each public name, and the next command goes on from the rows."""
    assert -signal.SIGKILL == strike(home, point, "kill")
    go_on(home)
    prove(home)


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F24", "TERM to a `scoring run` at each of its failpoints", "handed back, exit 143; `resume` ends it"
)
@pytest.mark.parametrize("point", ALONE)
def test_a_run_that_is_told_to_stop_anywhere_is_made_whole(home: Home, point: str) -> None:
    """It ends what it has in hand, or hands it back: no attempt has failed; where all was done, it has succeeded."""
    assert strike(home, point, "term") in (0, 128 + signal.SIGTERM, -signal.SIGTERM)
    go_on(home)
    prove(home)
    assert [] == failed_attempts(home)


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F66", "an error that nobody foresees at each failpoint", "another attempt or another command; whole"
)
@pytest.mark.parametrize("point", ALONE)
def test_an_unforeseen_error_anywhere_costs_an_attempt_at_most(home: Home, point: str) -> None:
    """It is said in words, and what it broke off is done again."""
    strike(home, point, "raise")
    go_on(home)
    prove(home)


@pytest.mark.exhaustive
@pytest.mark.fault("F65", "ENOSPC at each step of a chunk's and of the result's files", "another attempt; whole")
@pytest.mark.parametrize("point", FILES)
def test_a_disk_that_is_full_for_a_moment_costs_one_attempt_at_most(home: Home, point: str) -> None:
    """An attempt before the commit is recorded as `storage`; after it nothing is lost, and none is counted."""
    strike(home, point, "raise:disk")
    go_on(home)
    prove(home)
    assert charged(point, "storage") == failed_attempts(home)


@pytest.mark.exhaustive
@pytest.mark.fault("F21", "no memory at each step of a chunk's and of the result's files", "another attempt; whole")
@pytest.mark.parametrize("point", FILES)
def test_memory_that_is_short_for_a_moment_costs_one_attempt_at_most(home: Home, point: str) -> None:
    """An attempt before the commit is recorded as `out_of_memory`; after it none is counted."""
    strike(home, point, "raise:memory")
    go_on(home)
    prove(home)
    assert charged(point, "out_of_memory") == failed_attempts(home)
