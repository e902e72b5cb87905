"""`scoring retry` of what failed, and of nothing else, whoever is still alive."""

import os
import signal
from collections import Counter

import pytest

from tests.faults.control.barrier import Barrier
from tests.faults.scene import Scene, Work
from tests.waiting import wait_for

CHUNKS = 6
FAILS = 3
ONE_ATTEMPT = {"SCORING_MAX_ATTEMPTS": "1"}


def attempts(work: Work) -> Counter[int]:
    """Attempts begun, by chunk."""
    rows = work.scene.sql("SELECT chunk, attempt FROM steps WHERE job_id = %s AND kind = 'score'", work.job_id)
    return Counter({int(str(chunk)): int(str(attempt)) for chunk, attempt in rows})


@pytest.mark.exhaustive
@pytest.mark.fault("F58", "a zombie of the first round is woken amid the retried chunk", "it publishes nothing; once")
def test_a_zombie_of_a_failed_round_changes_no_row_of_the_next(scene: Scene, barrier: Barrier) -> None:
    """Its attempt is fenced: the retried one commits, and what had succeeded is not scored again."""
    one = Scene(program=scene.program.with_settings(**ONE_ATTEMPT), servers=scene.servers)
    with one.running("scheduler"), one.running("worker", "--concurrency", 1, **barrier.at(f"commit.begin#{FAILS}")):
        work = one.submit(rows=CHUNKS * 1_000)
        (zombie,) = barrier.wait_for()
        os.kill(zombie, signal.SIGSTOP)
        barrier.let_go()
        with one.running("worker", "--concurrency", 2, **barrier.at(f"score.read#{FAILS}@1")):
            work.wait(code=1)
            assert [(FAILS, "worker_lost")] == [(row["chunk"], row["error_code"]) for row in work.failures()]
            before = attempts(work)
            one.program("retry", work.job_id)
            barrier.wait_for()
            os.kill(zombie, signal.SIGCONT)
            log = one.log("worker", "--concurrency", 1)
            fenced = f"score/{FAILS}: attempt 1 no longer owns the step"
            wait_for(lambda: fenced in log.read_text(), "the zombie's end")
            barrier.let_go()
            work.wait()
    assert before + Counter({FAILS: 1}) == attempts(work)
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.fault("F20", "an error of its own in one chunk, at each attempt", "retry scores that chunk alone again")
def test_a_retry_scores_again_what_failed_and_nothing_else(scene: Scene) -> None:
    """The attempts of chunks that have succeeded stay as they were, by number and by file."""
    poison = {"SCORING_FAILPOINTS": f"score.read#{FAILS}=raise"}
    with scene.running("scheduler"), scene.running("worker", "--concurrency", 2, **poison):
        work = scene.submit(rows=CHUNKS * 1_000)
        work.wait(code=1)
    whole = {part.name: part.stat().st_mtime_ns for part in work.out.glob("part-*.parquet")}
    assert CHUNKS - 1 == len(whole)
    before = attempts(work)
    assert Counter({chunk: 3 if chunk == FAILS else 1 for chunk in range(CHUNKS)}) == before
    scene.program("retry", work.job_id)
    with scene.running("scheduler"), scene.running("worker", "--concurrency", 1):
        work.wait()
    assert before + Counter({FAILS: 1}) == attempts(work)
    assert whole.items() <= {part.name: part.stat().st_mtime_ns for part in work.out.glob("part-*.parquet")}.items()
    work.prove()
