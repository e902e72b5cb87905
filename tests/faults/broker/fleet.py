"""A scheduler and a worker before a broker that is about to fail, and what the ledger says of the messages."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.scene import Scene, Work, kill_group
from tests.waiting import wait_for

SLOTS = 2
SLOW = {"SCORING_FAILPOINTS": "score.read=pause:0.1"}
"""So that there is a middle of the job."""

WORKER = ("worker", "--concurrency", SLOTS)


@contextmanager
def fleet(scene: Scene, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """A scheduler, and a worker with two slots that takes its time; settings: of the worker alone."""
    with scene.running("scheduler"), scene.running(*WORKER, **(SLOW | settings)) as worker:
        yield worker


@contextmanager
def odd_worker(scene: Scene, script: str, *arguments: object, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """A worker whose kombu a script of this folder has changed; its log is that of `worker_log`."""
    with odd_process(scene, worker_log(scene), script, *arguments, **(SLOW | settings)) as process:
        yield process


@contextmanager
def odd_process(
    scene: Scene, log: Path, script: str, *arguments: object, **settings: str
) -> Iterator[subprocess.Popen[str]]:
    """A script of this folder with the deployment's settings, in a group of its own."""
    command = (str(Path(__file__).parent / script), *arguments)
    with log.open("a") as written:
        program = scene.program.with_settings(**settings)
        process = program.start(*command, name="python", stderr=written, start_new_session=True)
        try:
            yield process
        finally:
            kill_group(process)


def altered(scene: Scene, **settings: str) -> Scene:
    """The same deployment with other settings for all its processes."""
    return Scene(program=scene.program.with_settings(**settings), servers=scene.servers)


def worker_log(scene: Scene) -> Path:
    return scene.log(*WORKER)


def lines(scene: Scene, words: str) -> list[str]:
    """What the workers have said with these words in it."""
    return [line for line in worker_log(scene).read_text().splitlines() if words in line]


def rung(work: Work) -> set[int]:
    """Chunks whose message is on its way, as the ledger has it."""
    return _chunks(work, "rung_at IS NOT NULL")


def begun(work: Work) -> set[int]:
    """Chunks that a worker has claimed at least once."""
    return _chunks(work, "attempt > 0")


def recovery(work: Work, lost: set[int], *, seconds: float = 60) -> float:
    """Seconds from now until one of the chunks is claimed whose messages were lost.

    A worker may have had one message per slot in hand: those do not count.
    """
    since = time.monotonic()
    wait_for(lambda: len(begun(work) & lost) > SLOTS, "a lost message to be rung again", seconds=seconds)
    return time.monotonic() - since


def _chunks(work: Work, condition: str) -> set[int]:
    query = f"SELECT chunk FROM steps WHERE job_id = %s AND kind = 'score' AND {condition}"
    return {int(str(chunk)) for (chunk,) in work.scene.sql(query, work.job_id)}
