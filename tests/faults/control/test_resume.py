"""`scoring resume` after kill -9: at any moment, any number of times."""

import random
import signal
import subprocess
from collections import Counter
from contextlib import suppress

import pytest

from tests.faults.control.home import CHUNK_ROWS, ROWS, Home, died
from tests.waiting import wait_for

PLACES = (
    "claim.commit",
    "claim.committed",
    "split.written#1",
    "split.recorded#3",
    "split.complete",
    "score.read",
    "stage.write",
    "stage.fsync",
    "stage.synced",
    "commit.begin",
    "heartbeat.beat",
    "commit.commit",
    "commit.committed",
    "promote.rename",
    "promote.renamed",
    "promote.done",
    "finalize.verdict",
    "finalize.committed",
    "finalize.promoted",
    "manifest.written",
    "finalize.settle",
    "finalize.settled",
)
"""In the order in which a run with one slot comes to them: after each death the next one lies ahead."""

ONE = ("--workers", 1)


def attempts(home: Home) -> Counter[int]:
    """Attempts begun, by chunk."""
    rows = home.program.json("sql", "SELECT chunk, attempts FROM chunk_progress")
    return Counter({row["chunk"]: row["attempts"] for row in rows})


def end(process: "subprocess.Popen[str]") -> int:
    """Its exit code, once it has one."""
    _, said = process.communicate(timeout=60)
    assert "Traceback" not in said, said
    return process.returncode


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F62", "KILL to one `scoring run` six times amid its split", "each resume goes on; no budget is spent"
)
def test_a_person_may_kill_a_run_as_often_as_they_like(home: Home) -> None:
    """Twice as many deaths as attempts allowed, all in the split: the job still succeeds."""
    assert died(home.run(*ONE, SCORING_FAILPOINTS="split.recorded@1=kill"))
    for _ in range(5):
        assert died(home.resume(SCORING_FAILPOINTS="split.recorded@1=kill"))
    home.program("resume", "last")
    home.prove()


@pytest.mark.exhaustive
@pytest.mark.fault("F20", "SIGSEGV in one chunk of a `scoring run`, each time", "that chunk fails, all others are done")
def test_a_chunk_that_crashes_its_process_ends_all_the_same(home: Home) -> None:
    """A crash is told from a kill: three of them spend the budget, and the fourth process ends the job."""
    poison = {"SCORING_FAILPOINTS": "score.read#3=segv"}
    ends = []
    for process in (lambda: home.run(*ONE, **poison), *[lambda: home.resume(**poison)] * 3):
        with process() as started:
            _, said = started.communicate(timeout=60)
            ends.append(started.returncode)
    assert [-signal.SIGSEGV] * 3 + [1] == ends, said
    assert ("failed", "chunks_failed", 1) == tuple(
        home.status()[name] for name in ("state", "error_code", "chunks_failed")
    )
    home.program("retry", "last")
    home.prove()
    assert 4 == attempts(home)[3]


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F20", "SIGSEGV in one chunk of four in hand and a live split, each time", "that chunk fails, all others are done"
)
def test_a_crash_costs_the_neighbours_nothing(home: Home) -> None:
    """The first death is nobody's; then they are done one at a time, and the next three deaths are the chunk's own."""
    poison = {"SCORING_FAILPOINTS": "score.read#3=segv;score.read=pause:0.5;split.recorded=pause:0.2"}
    ends = [end(home.run("--workers", 4, **poison))]
    while ends[-1] == -signal.SIGSEGV and len(ends) < 9:
        ends.append(end(home.resume("--workers", 4, **poison)))
    assert [-signal.SIGSEGV] * 4 + [1] == ends
    assert ("failed", "chunks_failed", 1) == tuple(
        home.status()[name] for name in ("state", "error_code", "chunks_failed")
    )
    home.program("retry", "last")
    home.prove()


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F21", "KILL, as for want of memory, in one chunk of `scoring run`, started anew by a program", "that chunk fails"
)
def test_a_chunk_that_eats_its_process_ends_all_the_same(home: Home) -> None:
    """Only a person's `resume` counts no kill: who starts the same run again and again comes to an end."""
    poison = {"SCORING_FAILPOINTS": "score.read#3=kill;score.read=pause:0.2"}
    again = ("--workers", 4, "--idempotency-key", "nightly")
    ends = [end(home.run(*again, **poison))]
    while ends[-1] == -signal.SIGKILL and len(ends) < 9:
        ends.append(end(home.run(*again, **poison)))
    assert [-signal.SIGKILL] * 4 + [1] == ends
    assert 1 == home.status()["chunks_failed"]
    home.program("retry", "last")
    home.prove()


@pytest.mark.exhaustive
@pytest.mark.fault("F19", "KILL to one `scoring run` at every place of its life in turn", "each resume goes on; once")
def test_a_run_is_killed_at_every_place(home: Home) -> None:
    """One home, one job, and as many deaths as there are places."""
    assert died(home.run(*ONE, SCORING_FAILPOINTS=f"{PLACES[0]}=kill"))
    for place in PLACES[1:]:
        assert died(home.resume(*ONE, SCORING_FAILPOINTS=f"{place}=kill")), place
    home.program("resume", "last")
    home.prove()


@pytest.mark.exhaustive
@pytest.mark.fault("F19", "KILL to one `scoring run` at ten random moments", "each resume goes on; once")
def test_a_run_is_killed_at_any_moment(home: Home) -> None:
    """Not at a place of ours: whenever it pleases the dice."""
    dice = random.Random(57)
    slow = {"SCORING_FAILPOINTS": "score.read=pause:0.2"}
    process = home.run("--workers", 2, **slow)
    wait_for(lambda: list((home.program.folder / "home" / "run").glob("*.lock")), "the job")
    for _ in range(10):
        with suppress(subprocess.TimeoutExpired):
            process.wait(dice.uniform(0.5, 2.5))
        process.kill()
        process.communicate()
        process = home.resume(**slow)
    process.communicate()
    home.prove()


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F24", "TERM and INT to `scoring run` with chunks in hand", "handed back: exit 143 and 130, nothing burned"
)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_run_that_is_told_to_stop_burns_no_attempt(home: Home, number: signal.Signals, code: int) -> None:
    """What was in hand is pending again, without a failure on record."""
    run = home.run("--workers", 2, SCORING_FAILPOINTS="score.read=pause:0.3")
    wait_for(lambda: home.parts() >= 2, "two parts")
    run.send_signal(number)
    _, said = run.communicate(timeout=30)
    assert code == run.returncode, said
    assert "scoring resume" in said
    home.program("resume", "last")
    assert [] == home.program.json("failures", "last")["attempts"]
    assert ROWS // CHUNK_ROWS == len(attempts(home))
    home.prove()
