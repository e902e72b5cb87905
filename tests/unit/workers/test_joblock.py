"""One process owns a job; when it dies, its lock is free at once."""

import subprocess
import sys
from pathlib import Path

import pytest

from scoring.core.errors import UsageError
from scoring.core.ids import JobId
from workers.joblock import job_lock

JOB = JobId("ab12")

HOLD = """
import pathlib, sys
from scoring.core.ids import JobId
from workers.joblock import job_lock
with job_lock(pathlib.Path(sys.argv[1]), JobId(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_held_job_is_refused_by_name(tmp_path: Path) -> None:
    """A second run of the same job is told what to do; another job's run is not disturbed."""
    with job_lock(tmp_path, JOB):
        with pytest.raises(UsageError, match=f"scoring wait {JOB}"), job_lock(tmp_path, JOB):
            pass
        with job_lock(tmp_path, JobId("cd34")):
            pass


def test_the_lock_leaves_nothing_behind(tmp_path: Path) -> None:
    """A home with a thousand past runs holds no thousand files."""
    with job_lock(tmp_path, JOB):
        pass
    assert list(tmp_path.iterdir()) == []
    with job_lock(tmp_path, JOB):
        pass


def test_a_killed_owner_frees_the_job(tmp_path: Path) -> None:
    """The kernel lets go of the lock with the process, and the file that is left is no obstacle."""
    command = [sys.executable, "-c", HOLD, str(tmp_path), JOB]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"held\n"
        with pytest.raises(UsageError), job_lock(tmp_path, JOB):
            pass
        owner.kill()
    with job_lock(tmp_path, JOB):
        assert (tmp_path / f"{JOB}.lock").exists()
