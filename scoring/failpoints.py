"""Named places where a process can be told to die, stop, wait or fail: how each promise about recovery is tested.

Armed by ``SCORING_FAILPOINTS``, never in production; unarmed, a place costs one look at an empty table.

    NAME[#CHUNK][@N]=ACTION[:ARGUMENT][!FILE]  …, separated by ``;``

``#CHUNK``: only for this chunk. ``@N``: only the N-th time in this process. ``!FILE``: only for the one process that
makes this file. Actions: ``kill`` ``stop`` ``term`` ``quit`` ``segv`` (signals to this process),
``raise[:memory|disk]``, ``pause:SECONDS``, ``hold:FOLDER`` (put a file named after the process there, and wait until
somebody removes it).
"""

import errno
import os
import re
import signal
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from scoring.core.ids import NO_CHUNK

POINTS = {
    "submit.record": "all of a job is prepared, its row is not written",
    "submit.recorded": "the job's row is committed, nothing is rung",
    "publish.marked": "steps are marked as rung, no message is sent",
    "publish.sent": "their messages are sent",
    "claim.commit": "a step is claimed, its transaction is open",
    "claim.committed": "the claim is committed, no heartbeat yet",
    "heartbeat.beat": "the heartbeat is about to extend its lease",
    "split.written": "a chunk file is whole, its row is not written",
    "split.recorded": "the chunk's row is committed",
    "split.complete": "the input has ended, the split's row does not say so",
    "score.read": "a chunk is read, nothing is computed",
    "stage.write": "the staged file is open and empty",
    "stage.fsync": "the staged file is written, not flushed to the disk",
    "stage.synced": "the staged file and its folder are flushed",
    "commit.begin": "all files of the chunk are staged, the lease still beats",
    "commit.commit": "the chunk's transaction is written, not committed",
    "commit.committed": "the chunk is committed, no file is public",
    "promote.rename": "a committed file is about to get its public name",
    "promote.renamed": "it has its name, the folder is not flushed",
    "promote.done": "the part is public, the chunk file still lies there",
    "rescue.commit": "lost leases are taken over, the transaction is open",
    "finalize.verdict": "the verdict is reached, not committed",
    "finalize.committed": "the verdict is committed, nothing of it is public",
    "finalize.promoted": "all parts are public, there is no manifest",
    "manifest.written": "the manifest is there, `_SUCCESS` is not",
    "finalize.settle": "all files are in place, the job's row is not settled",
    "finalize.settled": "the job is settled, its chunk files still lie there",
}
"""By the order in the life of a job: what has happened there and what has not."""

_SIGNALS = {
    "kill": signal.SIGKILL,
    "stop": signal.SIGSTOP,
    "term": signal.SIGTERM,
    "quit": signal.SIGQUIT,
    "segv": signal.SIGSEGV,
}
_TERM = re.compile(
    r"(?P<point>[a-z.]+)(#(?P<chunk>\d+))?(@(?P<count>\d+))?=(?P<action>[a-z]+)(:(?P<argument>[^!]*))?(!(?P<once>.+))?"
)
_HOLD_SECONDS = 0.01


class Failure(Exception):
    """An error that no class of ours foresees."""


@dataclass(frozen=True, kw_only=True)
class Failpoint:
    """One term of the setting."""

    point: str
    chunk: int | None
    count: int | None
    action: str
    argument: str
    # Made by the process that this strikes; others that find it are spared.
    once: Path | None


_armed: dict[str, list[Failpoint]] = {}
_passed: Counter[Failpoint] = Counter()


def reach(point: str, chunk: int = NO_CHUNK) -> None:
    """Say that this place is reached: does what the setting asks for here, and nothing without it."""
    if _armed:
        for failpoint in _armed.get(point, ()):
            if _strikes(failpoint, chunk):
                _act(failpoint)


def arm(failpoints: tuple[Failpoint, ...]) -> None:
    """Replace what is armed in this process."""
    _armed.clear()
    for failpoint in failpoints:
        _armed.setdefault(failpoint.point, []).append(failpoint)


def parse(text: str) -> tuple[Failpoint, ...]:
    """The setting's terms. Raises ValueError with the one that is none."""
    return tuple(_parse(term.strip()) for term in text.split(";") if term.strip())


def _parse(term: str) -> Failpoint:
    found = _TERM.fullmatch(term)
    if found is None or found["point"] not in POINTS or not _is_action(found["action"], found["argument"] or ""):
        raise ValueError(term)
    return Failpoint(
        point=found["point"],
        chunk=None if found["chunk"] is None else int(found["chunk"]),
        count=None if found["count"] is None else int(found["count"]),
        action=found["action"],
        argument=found["argument"] or "",
        once=None if found["once"] is None else Path(found["once"]),
    )


def _is_action(action: str, argument: str) -> bool:
    match action:
        case "raise":
            return argument in ("", "memory", "disk")
        case "pause":
            return re.fullmatch(r"\d+(\.\d+)?", argument) is not None
        case "hold":
            return bool(argument)
        case _:
            return action in _SIGNALS and not argument


def _strikes(failpoint: Failpoint, chunk: int) -> bool:
    if failpoint.chunk not in (None, chunk):
        return False
    _passed[failpoint] += 1
    if failpoint.count not in (None, _passed[failpoint]):
        return False
    return failpoint.once is None or _is_first(failpoint.once)


def _is_first(marker: Path) -> bool:
    try:
        marker.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _act(failpoint: Failpoint) -> None:
    match failpoint.action:
        case "raise":
            _raise(failpoint)
        case "pause":
            time.sleep(float(failpoint.argument))
        case "hold":
            _hold(Path(failpoint.argument) / str(os.getpid()))
        case name:
            os.kill(os.getpid(), _SIGNALS[name])


def _raise(failpoint: Failpoint) -> None:
    match failpoint.argument:
        case "memory":
            raise MemoryError(failpoint.point)
        case "disk":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        case _:
            raise Failure(f"asked for at {failpoint.point}")


def _hold(marker: Path) -> None:
    marker.touch()
    while marker.exists():
        time.sleep(_HOLD_SECONDS)
