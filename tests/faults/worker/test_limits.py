"""One chunk crashes, hangs or eats too much: it ends as failed within its budget, and the others are done."""

import resource
import time
from collections.abc import Callable

import pytest

from scoring.core.errors import ExitCode
from tests.faults.scene import Scene, Work
from tests.faults.worker.busy_model import FOR_EVER, TOO_MUCH, prove_the_others, submit_busy
from tests.faults.worker.conftest import CHUNK, Attempts
from tests.faults.worker.processes import children, is_alive, virtual_bytes
from tests.faults.worker.test_death import until_scored

WORKER = ("worker", "--concurrency", 2)
SPARE_BYTES = 2**30


def failed(work: Work) -> list[tuple[object, object]]:
    """Chunk and code of each failed attempt."""
    return [(failure["chunk"], failure["error_code"]) for failure in work.failures()]


@pytest.mark.exhaustive
@pytest.mark.fault("F20", "SIGSEGV at each attempt at one chunk", "the chunk fails after three, all others are done")
def test_a_chunk_that_kills_each_child_fails_alone(scene: Scene, recovered: Callable[[float], None]) -> None:
    """No loop: three lost workers are its budget. Once the poison is gone, `retry` makes the job whole."""
    poison = {"SCORING_FAILPOINTS": f"score.read#{CHUNK}=segv"}
    with scene.running("scheduler"):
        with scene.running(*WORKER, **poison) as worker:
            work = scene.submit(rows=8_000)
            work.wait(code=ExitCode.JOB_FAILED)
            assert is_alive(worker.pid)
        assert [(CHUNK, "worker_lost")] * 3 == failed(work)
        assert 7 == work.done()
        work.prove(state="failed")
        with scene.running(*WORKER):
            scene.program("retry", work.job_id)
            recovered(until_scored(work))
            work.wait()
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F21", "RLIMIT_AS on a worker, a chunk that wants 16 GB", "`out_of_memory` in words; the worker lives"
)
def test_a_chunk_that_wants_too_much_memory_fails_alone(scene: Scene) -> None:
    """The error says memory, no process dies of it, and the same worker does the next job."""
    with scene.running("scheduler"), scene.running(*WORKER) as worker:
        scene.submit(rows=1_000, out="warm").wait()
        slots = children(worker.pid)
        for pid in (worker.pid, *slots):
            limit = virtual_bytes(pid) + SPARE_BYTES
            resource.prlimit(pid, resource.RLIMIT_AS, (limit, limit))
        work = submit_busy(scene, TOO_MUCH, chunk=CHUNK)
        work.wait(code=ExitCode.JOB_FAILED)
        scene.submit(rows=1_000, out="next").wait()
        assert slots == children(worker.pid)
    assert [(CHUNK, "out_of_memory")] * 3 == failed(work)
    assert all("memory" in str(failure["error"]) for failure in work.failures())
    prove_the_others(work, chunk=CHUNK)


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F28", "a model that works for ever inside one native node", "`timeout`; the child dies, the slot returns"
)
def test_endless_native_code_is_ended_with_its_process(scene: Scene, recovered: Callable[[float], None]) -> None:
    """The limit, ten seconds to heed it, and the child is gone: the only slot does the other chunks."""
    limits = {"SCORING_CHUNK_TIMEOUT_SECONDS": "2"}
    once = scene.program.with_settings(SCORING_MAX_ATTEMPTS="1")
    impatient = Scene(program=once, servers=scene.servers)
    with scene.running("scheduler"), scene.running("worker", "--concurrency", 1, **limits) as worker:
        begun = time.monotonic()
        work = submit_busy(impatient, FOR_EVER, chunk=0)
        work.wait(code=ExitCode.JOB_FAILED)
        recovered(time.monotonic() - begun)
        assert 1 == len(children(worker.pid))
    assert [(0, "timeout")] == failed(work)
    assert "SCORING_CHUNK_TIMEOUT_SECONDS" in str(work.failures()[0]["error"])
    prove_the_others(work, chunk=0)


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F29", "the work hangs while its heartbeat lives, no chunk time-out set", "`timeout`; done by another child"
)
def test_work_that_hangs_is_given_up_although_its_heart_beats(
    scene: Scene, attempts: Attempts, recovered: Callable[[float], None]
) -> None:
    """No sign of progress for SCORING_STALL_SECONDS (an hour unless set; 2 s here) and the child is ended."""
    hang = {
        "SCORING_FAILPOINTS": f"score.read#{CHUNK}=pause:1000!{scene.folder / 'once'}",
        "SCORING_STALL_SECONDS": "2",
    }
    with scene.running("scheduler"), scene.running(*WORKER, **hang):
        work = scene.submit(rows=8_000)
        recovered(until_scored(work))
        work.wait()
    assert [(1, "retryable", "timeout"), (2, "completed", None)] == attempts(work.job_id)
    assert "SCORING_STALL_SECONDS" in str(work.failures()[0]["error"])
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F30", "failpoint `heartbeat.beat=raise` for all beats of a worker", "the work ends itself before its lease"
)
def test_work_without_a_heartbeat_ends_before_its_lease(
    scene: Scene, attempts: Attempts, recovered: Callable[[float], None]
) -> None:
    """It notices by its own clock: the attempt is over, and says why, while the lease would still have run."""
    heartless = {
        "SCORING_FAILPOINTS": f"heartbeat.beat=raise;score.read#{CHUNK}=pause:5.4!{scene.folder / 'once'}",
        "SCORING_LEASE_SECONDS": "6",
    }
    with scene.running("scheduler"), scene.running(*WORKER, **heartless):
        work = scene.submit(rows=8_000)
        recovered(until_scored(work))
        work.wait()
    lasted = scene.sql(
        "SELECT (ended_at - started_at) / 1e6 FROM attempts WHERE job_id = %s AND error_code IS NOT NULL", work.job_id
    )
    assert [(1, "retryable", "worker_lost"), (2, "completed", None)] == attempts(work.job_id)
    assert "the heartbeat has failed" in str(work.failures()[0]["error"])
    assert 6 > float(str(lasted[0][0]))
    work.prove()
