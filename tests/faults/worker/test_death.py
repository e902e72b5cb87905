"""A process of a worker dies: what it had in hand is done by another one, within a lease and ten seconds."""

import os
import signal
import time
from collections.abc import Callable

import pytest

from tests.faults.scene import Scene, Work
from tests.faults.worker.conftest import CHUNK, Attempts
from tests.faults.worker.hold import Hold
from tests.faults.worker.processes import children, is_alive
from tests.waiting import wait_for

LOST = (1, "retryable", "worker_lost")
DONE_AGAIN = [LOST, (2, "completed", None)]
PROMISED_SECONDS = 10
"""After the end of the lease."""


def until_scored(work: Work, chunk: int = CHUNK) -> float:
    """Seconds from now until the part of this very chunk is public."""
    begun = time.monotonic()
    wait_for((work.out / f"part-{chunk:06}.parquet").exists, f"chunk {chunk}")
    return time.monotonic() - begun


@pytest.mark.exhaustive
@pytest.mark.fault("F18", "KILL to the child of a worker amid a chunk", "the attempt is lost, another child does it")
def test_a_killed_child_costs_one_attempt(
    scene: Scene, hold: Callable[..., Hold], attempts: Attempts, recovered: Callable[[float], None]
) -> None:
    """The main process forks another child; the chunk is scored again once the dead one's lease has run out."""
    moment = hold(f"score.read#{CHUNK}")
    with scene.running("scheduler"), scene.running("worker", "--concurrency", 2, **moment.settings):
        work = scene.submit()
        os.kill(moment.pid(), signal.SIGKILL)
        seconds = until_scored(work)
        work.wait()
    recovered(seconds)
    assert scene.lease_seconds + PROMISED_SECONDS >= seconds
    assert DONE_AGAIN == attempts(work.job_id)
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.fault("F19", "KILL to the main process of a worker alone", "its children die with it, another scores")
def test_no_orphan_goes_on_scoring(
    scene: Scene, hold: Callable[..., Hold], attempts: Attempts, recovered: Callable[[float], None]
) -> None:
    """Children end at once with their main process, whatever they have in hand: it is lost, and done again."""
    moment = hold(f"score.read#{CHUNK}")
    with scene.running("scheduler"), scene.running("worker", "--concurrency", 2, **moment.settings) as first:
        work = scene.submit()
        moment.pid()
        orphans = children(first.pid)
        first.kill()
        wait_for(lambda: not any(map(is_alive, orphans)), "the end of the orphans", seconds=10)
        with scene.running("worker", "--concurrency", 1):
            seconds = until_scored(work)
            work.wait()
    recovered(seconds)
    assert 2 == len(orphans)
    assert scene.lease_seconds + PROMISED_SECONDS >= seconds
    # Of the other child's chunk too, if it had one in hand.
    assert set(DONE_AGAIN) == set(attempts(work.job_id))
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F25", "TERM and KILL right after it to the group, a chunk in hand", "lost attempt; scored after the lease"
)
def test_a_kill_after_a_term_waits_for_no_broker(
    scene: Scene, hold: Callable[..., Hold], attempts: Attempts, recovered: Callable[[float], None]
) -> None:
    """A service manager loses its patience: the chunk is due after the lease, not after Redis' hours of visibility."""
    moment = hold(f"score.read#{CHUNK}")
    with scene.running("scheduler"), scene.running("worker", "--concurrency", 1, **moment.settings) as first:
        work = scene.submit()
        moment.pid()
        with scene.running("worker", "--concurrency", 2):
            work.wait_for_parts(5)
            os.killpg(first.pid, signal.SIGTERM)
            os.killpg(first.pid, signal.SIGKILL)
            seconds = until_scored(work)
            work.wait()
    recovered(seconds)
    assert scene.lease_seconds + PROMISED_SECONDS >= seconds
    assert DONE_AGAIN == attempts(work.job_id)
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F31", "failpoint `claim.committed=kill`: dead before the first heartbeat", "rescued after the lease"
)
def test_a_claim_without_a_heartbeat_ends_with_its_lease(
    scene: Scene, attempts: Attempts, recovered: Callable[[float], None], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The lease is part of the claim itself: there is no moment at which a death would leave the chunk for ever."""
    once = tmp_path_factory.mktemp("once") / "killed"
    deadly = {"SCORING_FAILPOINTS": f"claim.committed#{CHUNK}=kill!{once}"}
    with scene.running("scheduler"), scene.running("worker", "--concurrency", 2, **deadly):
        work = scene.submit()
        wait_for(once.exists, "the death")
        seconds = until_scored(work)
        work.wait()
    recovered(seconds)
    assert scene.lease_seconds + PROMISED_SECONDS >= seconds
    assert DONE_AGAIN == attempts(work.job_id)
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.fault("F27", "QUIT before the commit of a claim", "nothing was claimed: no attempt is counted")
def test_a_death_inside_the_claim_is_no_claim(
    scene: Scene, attempts: Attempts, recovered: Callable[[float], None], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The message is gone with the process, the row says due: it is rung again, and attempt 1 is still to be had."""
    once = tmp_path_factory.mktemp("once") / "quit"
    deadly = {"SCORING_FAILPOINTS": f"claim.commit#{CHUNK}=quit!{once}"}
    with scene.running("scheduler"), scene.running("worker", "--concurrency", 2, **deadly):
        work = scene.submit()
        wait_for(once.exists, "the death")
        recovered(until_scored(work))
        work.wait()
    assert [] == attempts(work.job_id)
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.fault("F26", "QUIT before and after the commit of a chunk", "scored again, or promoted by the finalizer")
@pytest.mark.parametrize(
    ("point", "expected"),
    [
        (f"commit.commit#{CHUNK}", DONE_AGAIN),
        (f"commit.committed#{CHUNK}", []),
        ("promote.rename", []),
    ],
)
def test_a_death_around_the_commit_leaves_one_truth(
    scene: Scene,
    attempts: Attempts,
    tmp_path_factory: pytest.TempPathFactory,
    point: str,
    expected: list[tuple[object, ...]],
) -> None:
    """Never both lost and marked as done: what the ledger has taken down counts, whatever files lie there."""
    once = tmp_path_factory.mktemp("once") / "quit"
    deadly = {"SCORING_FAILPOINTS": f"{point}=quit!{once}"}
    with scene.running("scheduler"), scene.running("worker", "--concurrency", 2, **deadly):
        work = scene.submit()
        work.wait()
    assert once.exists()
    assert expected == attempts(work.job_id)
    work.prove()
