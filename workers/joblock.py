"""The lock file by which an embedded run owns its job."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scoring.core.errors import JobBusy
from scoring.core.ids import JobId


@contextmanager
def job_lock(folder: Path, job_id: JobId) -> Iterator[None]:
    """Own the job while the block runs. The kernel lets go of the lock when its process dies, however it dies.

    Who gets the lock knows that no other process works on the job. Raises JobBusy where another one does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{job_id}.lock"
    held = _locked(path)
    if held is None:
        raise JobBusy(
            f"job {job_id} is being worked on",
            expected="a job that no process works on",
            got=f"another process holds {path}",
            remedy=f"wait for it: scoring wait {job_id}",
        )
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(held)


def _locked(path: Path) -> int | None:
    """A descriptor that holds the lock, or None."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        if _is_at(path, descriptor):
            return descriptor
        os.close(descriptor)  # the former owner removed the file between our open and our lock


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
