"""Too little of something for a whole worker: processor time, files, memory over many chunks."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from scoring.core.errors import ExitCode, LedgerAway
from scoring.ledger.database import Ledger
from tests.faults.scene import Scene
from tests.faults.worker.processes import children, open_files, resident_bytes
from tests.faults.worker.test_death import until_scored
from tests.faults.worker.test_fork import in_child

ONE_SLOT = ("worker", "--concurrency", 1)
FEW_FILES = 64
NO_MORE = 3
"""What is open stays open."""

TINY_CHUNKS = 400
WARM_CHUNKS = 100
"""After these the allocators have what they want."""

MANY_SECONDS = 240

LEAK_BYTES_PER_CHUNK = 32 * 1024


@contextmanager
def busy_loops(count: int) -> Iterator[None]:
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F32", "worker at nice 19 beside four busy loops per core", "late heartbeats, each chunk published once"
)
def test_starved_workers_publish_each_chunk_once(scene: Scene) -> None:
    """Whether or not a lease is lost on the way: the result is that of the undisturbed job."""
    slow = {"SCORING_FAILPOINTS": "score.read=pause:0.2"}
    with scene.running("scheduler"), scene.running("worker", "--concurrency", 2, **slow) as worker:
        work = scene.submit(rows=8_000)
        work.wait_for_parts(1)
        os.setpriority(os.PRIO_PGRP, worker.pid, 19)
        with busy_loops(4 * (os.cpu_count() or 1)):
            work.wait_for_parts(7)
        work.wait()
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F35", "400 tiny chunks through one child (5 000 scaled down)", "its memory grows by < 32 KiB a chunk"
)
def test_memory_does_not_grow_with_the_chunks(scene: Scene, record_property: Callable[[str, object], None]) -> None:
    """A child that has scored hundreds of chunks is hardly larger than one that has scored its first hundred."""
    with scene.running("scheduler"), scene.running(*ONE_SLOT) as worker:
        work = scene.submit(rows=10 * TINY_CHUNKS, chunk_rows=10)
        work.wait_for_parts(WARM_CHUNKS, seconds=MANY_SECONDS)
        (child,) = children(worker.pid)
        before = resident_bytes(child)
        work.wait_for_parts(TINY_CHUNKS, seconds=MANY_SECONDS)
        work.wait()
        assert [child] == children(worker.pid)
        growth = (resident_bytes(child) - before) / (TINY_CHUNKS - WARM_CHUNKS)
    record_property("bytes_per_chunk", round(growth))
    assert LEAK_BYTES_PER_CHUNK > growth
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F37", "RLIMIT_NOFILE: 64, then not one more", "64 do; else `storage` in words, `retry` ends it, no leak"
)
def test_a_worker_without_files_says_so_and_leaks_none(scene: Scene, recovered: Callable[[float], None]) -> None:
    """The error names the limit; with files to be had the same child goes on, and holds no more of them."""
    with scene.running("scheduler"), scene.running(*ONE_SLOT) as worker:
        scene.submit(rows=1_000, out="warm").wait()
        (child,) = children(worker.pid)
        allow_files(child, FEW_FILES)
        before = open_files(child)
        allow_files(child, NO_MORE)
        work = scene.submit(rows=8_000)
        work.wait(code=ExitCode.JOB_FAILED)
        allow_files(child, FEW_FILES)
        scene.program("retry", work.job_id)
        recovered(until_scored(work))
        work.wait()
        assert [child] == children(worker.pid)
        assert before + 2 >= open_files(child)
    assert {"storage"} == {failure["error_code"] for failure in work.failures()}
    assert all("Too many open files" in str(failure["error"]) for failure in work.failures())
    work.prove()


@pytest.mark.fault(
    "F37", "a single descriptor left where a connection is due", "the ledger is taken for away, and tried again"
)
def test_a_process_without_files_takes_the_ledger_for_away(postgres_url: str) -> None:
    """The system's error becomes one that every part of the program waits out."""
    ledger = Ledger.connect(postgres_url)

    def ask() -> str:
        socket = os.dup(0)
        os.close(socket)
        allow_files(os.getpid(), socket + 1)
        try:
            ledger.look(lambda tx: None)
        except LedgerAway as error:
            return str(error)
        return "an answer"

    assert "Too many open files" in in_child(ask)


def allow_files(pid: int, count: int) -> None:
    """By the soft limit, which may be raised again."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (count, hard))
