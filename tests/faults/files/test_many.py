"""A job of thousands of tiny chunks: the broker holds a window of them, and questions stay quick."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from tests.faults.scene import Scene

CHUNKS = 1_000
SLOTS = 4
WINDOW = 4 * SLOTS
"""Steps that the publisher lets wait at once; each may have been rung twice, where its message seemed lost."""


@dataclass
class Seen:
    """What was measured while the job ran."""

    waiting: list[int] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)


@pytest.mark.exhaustive
@pytest.mark.slow
@pytest.mark.fault("F71", "1 000 chunks of one row each", "32 messages and 4 MB in Redis at most, `status` in a second")
def test_many_tiny_chunks_stay_in_the_ledger(scene: Scene) -> None:
    """The queue never holds more than its window, Redis grows by nothing to speak of, the ledger answers at once."""
    with scene.running("scheduler"), scene.running("worker", "--concurrency", SLOTS), watching(scene) as seen:
        work = scene.submit(rows=CHUNKS, chunk_rows=1)
        work.wait(seconds=110)
    assert 2 * WINDOW >= max(seen.waiting)
    assert 4 * 2**20 >= max(seen.memory) - seen.memory[0]
    assert 1.0 >= sorted(seen.answers)[len(seen.answers) // 2]
    work.prove()


@contextmanager
def watching(scene: Scene) -> Iterator[Seen]:
    """Look at the broker and ask the ledger until the block ends."""
    seen, over = Seen(), threading.Event()

    def look() -> None:
        with scene.servers.redis.client() as broker:
            while not over.wait(0.1):
                lists = [name for name in broker.keys("*") if broker.type(name) == b"list"]
                seen.waiting.append(sum(broker.llen(name) for name in lists))
                seen.memory.append(broker.info("memory")["used_memory"])
                begun = time.monotonic()
                scene.sql("SELECT * FROM job_progress")
                seen.answers.append(time.monotonic() - begun)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()
