"""`scoring cancel` at any moment of a job: what is finished stays, nothing more comes, and within ten seconds."""

import json
import time
from collections.abc import Callable

import pytest

from tests.faults.control.barrier import Barrier
from tests.faults.control.home import Home
from tests.faults.scene import Scene, Work
from tests.waiting import wait_for

CANCEL_SECONDS = 10.0
CHUNKS = 8


def stands_still(work: Work) -> bool:
    """Nothing of the job runs or waits, and `_partial.json` says what there is."""
    live = work.scene.sql("SELECT count(*) FROM steps WHERE job_id = %s AND finished_at IS NULL", work.job_id)
    return live == [(0,)] and (work.out / "_partial.json").exists()


def committed(work: Work) -> list[tuple[object, ...]]:
    return work.scene.sql("SELECT chunk, attempt FROM parts WHERE job_id = %s ORDER BY chunk", work.job_id)


def listed(work: Work) -> list[str]:
    return [part["path"] for part in json.loads((work.out / "_partial.json").read_text())["parts"]]


@pytest.mark.fault(
    "F57", "cancel at half of the chunks, with two more in hand", "nothing is published after it; exit 8"
)
def test_nothing_is_published_after_a_cancel(
    scene: Scene, barrier: Barrier, recovered: Callable[[float], None]
) -> None:
    """Four of eight chunks are done, two are being scored: these end unpublished, and all stands still in time."""
    half = CHUNKS // 2
    with scene.running("worker", "--concurrency", 2, **barrier.at(f"score.read#{half}", f"score.read#{half + 1}")):
        work = scene.submit(rows=CHUNKS * 1_000)
        barrier.wait_for(2)
        begun = time.monotonic()
        scene.program("cancel", work.job_id)
        before = committed(work)
        barrier.let_go()
        wait_for(lambda: stands_still(work), "the end of the job")
        seconds = time.monotonic() - begun
        assert half == len(before) == work.done()
        assert before == committed(work)
        assert [f"part-{chunk:06d}.parquet" for chunk in range(half)] == listed(work)
    work.wait(code=8)
    recovered(seconds)
    assert CANCEL_SECONDS >= seconds
    work.prove(state="cancelled")


@pytest.mark.exhaustive
@pytest.mark.fault("F57", "cancel amid the split", "no more is cut; what is scored by then is kept")
def test_a_cancel_ends_the_split(scene: Scene, barrier: Barrier) -> None:
    """The producer finds its job cancelled at the next chunk."""
    with scene.running("worker", "--concurrency", 2, **barrier.at("split.recorded#5")):
        work = scene.submit(rows=CHUNKS * 1_000)
        barrier.wait_for()
        work.wait_for_parts(1)
        scene.program("cancel", work.job_id)
        barrier.let_go()
        wait_for(lambda: stands_still(work), "the end of the job", seconds=CANCEL_SECONDS)
    assert [(6,)] == scene.sql("SELECT count(*) FROM chunks WHERE job_id = %s", work.job_id)
    assert work.done() == len(listed(work)) == len(committed(work))
    work.prove(state="cancelled")


@pytest.mark.exhaustive
@pytest.mark.fault("F57", "cancel once the verdict is committed", "too late: the job succeeds")
def test_a_cancel_after_the_verdict_is_too_late(scene: Scene, barrier: Barrier) -> None:
    """It says so, exits 0, and changes nothing."""
    with scene.running("worker", "--concurrency", 1, **barrier.at("finalize.committed")):
        work = scene.submit(rows=CHUNKS * 1_000)
        barrier.wait_for()
        assert "too late" in scene.program("cancel", work.job_id).stderr
        barrier.let_go()
        work.wait()
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.fault("F57", "a chunk in long work under the default lease of 60 s", "it hears of a cancel within 5 s")
def test_a_long_lease_makes_no_long_wait(scene: Scene, barrier: Barrier) -> None:
    """A heartbeat tells the work that its job is cancelled: it comes every five seconds at least."""
    query = "SELECT lease_until FROM steps WHERE job_id = %s AND kind = 'score' AND chunk = 1"
    with scene.running("worker", "--concurrency", 1, SCORING_LEASE_SECONDS="60", **barrier.at("score.read#1")):
        work = scene.submit(rows=2_000)
        barrier.wait_for()
        leases = {scene.sql(query, work.job_id)[0]}
        wait_for(lambda: leases.add(scene.sql(query, work.job_id)[0]) or len(leases) > 2, "two beats", seconds=12)
        scene.program("cancel", work.job_id)
        barrier.let_go()
        wait_for(lambda: stands_still(work), "the end of the job", seconds=CANCEL_SECONDS)
    work.prove(state="cancelled")


PHASES = {"split": "split.recorded#2", "score": "score.read#3"}


@pytest.mark.exhaustive
@pytest.mark.fault("F57", "cancel of a `scoring run` from another terminal, amid split or score", "the run exits 8")
@pytest.mark.parametrize("phase", PHASES)
def test_a_run_is_cancelled_from_another_terminal(home: Home, barrier: Barrier, phase: str) -> None:
    """It keeps what is finished, lists it, and gives the verdict."""
    run = home.run("--workers", 1, **barrier.at(PHASES[phase]))
    barrier.wait_for()
    assert "is cancelled" in home.program("cancel", "last").stderr
    barrier.let_go()
    _, said = run.communicate(timeout=60)
    assert 8 == run.returncode, said
    assert home.parts() == len(home.partial()["parts"]) == home.status()["chunks_done"]
    assert not (home.out / "_staging").exists()


@pytest.mark.exhaustive
@pytest.mark.fault("F57", "cancel of a `scoring run` that was killed before", "what is finished is listed at once")
def test_a_killed_run_can_be_cancelled(home: Home, barrier: Barrier) -> None:
    """Nobody works on it: the command itself does the last step."""
    run = home.run("--workers", 1, **barrier.at("score.read#3"))
    barrier.wait_for()
    run.kill()
    run.communicate()
    home.program("cancel", "last")
    assert 3 == home.parts() == len(home.partial()["parts"])
    home.program("resume", "last", code=8)
