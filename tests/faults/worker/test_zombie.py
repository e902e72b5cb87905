"""A worker is frozen past its lease and wakes when another one has won: nothing of it gets into the result."""

import os
import signal
from collections.abc import Callable
from contextlib import ExitStack

import pyarrow.parquet as pq
import pytest

from tests.faults.scene import Scene
from tests.faults.worker.conftest import CHUNK, Attempts
from tests.faults.worker.hold import Hold
from tests.faults.worker.processes import is_alive
from tests.faults.worker.test_death import DONE_AGAIN, until_scored
from tests.waiting import wait_for

ROWS = 8_000
ZOMBIE = ("worker", "--concurrency", 1)
OTHER = ("worker", "--concurrency", 2)
NO_LONGER = "no longer owns the step"


def wake(scene: Scene, pid: int, said: str) -> None:
    """Let the frozen process go on, until its worker has said what came of it."""
    os.kill(pid, signal.SIGCONT)
    wait_for(lambda: said in scene.log(*ZOMBIE).read_text(), f"the zombie's word: {said}")


@pytest.mark.fault("F22", "STOP to a child past its lease, CONT once another has committed", "nothing of it is kept")
@pytest.mark.parametrize(
    "point",
    [
        f"commit.begin#{CHUNK}",
        pytest.param(f"score.read#{CHUNK}", marks=pytest.mark.exhaustive),
    ],
)
def test_a_zombie_publishes_nothing(
    scene: Scene, hold: Callable[..., Hold], attempts: Attempts, recovered: Callable[[float], None], point: str
) -> None:
    """Whatever it has computed or staged: it finds that the step is another's, and removes its own files alone."""
    moment = hold(point)
    with scene.running("scheduler"), scene.running(*ZOMBIE, **moment.settings):
        work = scene.submit(rows=ROWS)
        zombie = moment.stop()
        with scene.running(*OTHER):
            recovered(until_scored(work))
            wake(scene, zombie, NO_LONGER)
            work.wait()
    assert DONE_AGAIN == attempts(work.job_id)
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.fault("F22", "STOP to a child, CONT once the whole job is settled", "the settled result stays as it is")
@pytest.mark.parametrize("point", [f"score.read#{CHUNK}", "stage.write@4", "stage.synced@4", f"commit.begin#{CHUNK}"])
def test_a_zombie_that_wakes_after_the_end_changes_nothing(
    scene: Scene, hold: Callable[..., Hold], attempts: Attempts, point: str
) -> None:
    """All folders of the job are cleared away by then: it makes none of them anew."""
    moment = hold(point)
    with scene.running("scheduler"), scene.running(*ZOMBIE, **moment.settings):
        work = scene.submit(rows=ROWS)
        zombie = moment.stop()
        with scene.running(*OTHER):
            work.wait()
        wake(scene, zombie, NO_LONGER)
        assert is_alive(zombie)
    assert DONE_AGAIN == attempts(work.job_id)
    assert not (scene.folder / "store" / "work" / work.job_id).exists()
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.fault("F22", "STOP to a whole worker, main process and children, past its lease", "as for a child")
def test_a_worker_that_sleeps_as_a_whole_is_no_danger(
    scene: Scene, hold: Callable[..., Hold], attempts: Attempts
) -> None:
    """A host that hangs: its chunk goes elsewhere, and once awake it works on as if nothing had been."""
    moment = hold(f"commit.begin#{CHUNK}")
    with scene.running("scheduler"), scene.running(*ZOMBIE, **moment.settings) as asleep:
        work = scene.submit(rows=ROWS)
        moment.pid()
        os.killpg(asleep.pid, signal.SIGSTOP)
        moment.let_go()
        with scene.running(*OTHER):
            until_scored(work)
            os.killpg(asleep.pid, signal.SIGCONT)
            wait_for(lambda: NO_LONGER in scene.log(*ZOMBIE).read_text(), "the word of the one that slept")
            work.wait()
    assert DONE_AGAIN == attempts(work.job_id)
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F23", "STOP inside the commit, pg_terminate_backend to its session, CONT", "the other's part counts"
)
def test_a_session_that_is_terminated_inside_the_commit_commits_nothing(
    scene: Scene, hold: Callable[..., Hold], attempts: Attempts
) -> None:
    """Its row lock is gone with its session: another attempt wins, and the zombie learns that it did not commit."""
    moment = hold(f"commit.commit#{CHUNK}")
    with scene.running("scheduler"), scene.running(*ZOMBIE, **moment.settings):
        work = scene.submit(rows=ROWS)
        zombie = moment.stop()
        ended = scene.sql(
            "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND state = 'idle in transaction' ORDER BY xact_start LIMIT 1) AS oldest"
        )
        with scene.running(*OTHER):
            until_scored(work)
            winner = pq.read_metadata(work.out / f"part-{CHUNK:06}.parquet").serialized_size
            wake(scene, zombie, NO_LONGER)
            work.wait()
    assert [(True,)] == ended
    assert winner == pq.read_metadata(work.out / f"part-{CHUNK:06}.parquet").serialized_size
    assert DONE_AGAIN == attempts(work.job_id)
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F23", "STOP right after the commit, before the rename", "the finalizer publishes what was committed"
)
@pytest.mark.parametrize("point", [f"commit.committed#{CHUNK}", "promote.rename@4"])
def test_what_a_zombie_has_committed_is_published_without_it(
    scene: Scene, hold: Callable[..., Hold], attempts: Attempts, point: str
) -> None:
    """No second attempt is made, and when it wakes its own rename finds that all is done."""
    moment = hold(point)
    with ExitStack() as stack:
        stack.enter_context(scene.running("scheduler"))
        stack.enter_context(scene.running(*ZOMBIE, **moment.settings))
        work = scene.submit(rows=ROWS)
        zombie = moment.stop()
        stack.enter_context(scene.running(*OTHER))
        work.wait()
        wake(scene, zombie, f"score/{CHUNK}: attempt 1 succeeded")
        later = scene.submit(rows=1_000, out="later")
        later.wait()
    assert [] == attempts(work.job_id)
    work.prove()
