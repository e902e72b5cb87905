"""`scoring gc` beside jobs at work: it takes what nothing refers to, and never a file of a live attempt."""

import os
from pathlib import Path

import pytest

from tests.faults.control.barrier import Barrier
from tests.faults.control.home import Home, died
from tests.faults.scene import Scene

YEAR = 365 * 86_400.0


def make_old(*folders: Path) -> list[Path]:
    """All files there, with their folders, as a file system with a slow clock shows them; returns the files."""
    found = [path for folder in folders for path in (folder, *folder.rglob("*"))]
    for path in found:
        status = path.stat()
        os.utime(path, (status.st_atime - YEAR, status.st_mtime - YEAR))
    return [path for path in found if path.is_file()]


@pytest.mark.exhaustive
@pytest.mark.fault("F69", "gc amid an attempt whose files look a year old, by a clock that is off", "they stay; once")
def test_gc_takes_no_file_of_a_live_attempt(scene: Scene, barrier: Barrier) -> None:
    """Staged parts, chunk files and the model: it is the ledger that says what is needed, not a file's age."""
    with scene.running("worker", "--concurrency", 2, **barrier.at("commit.begin#2", "commit.begin#3")):
        work = scene.submit(rows=6_000)
        barrier.wait_for(2)
        store = scene.folder / "store"
        files = make_old(work.out, store)
        staged = [path for path in files if "_staging" in path.parts]
        assert len(staged) >= 2
        scene.program("gc", "--older-than", "1h")
        assert [] == [path for path in files if not path.exists()]
        barrier.let_go()
        work.wait()
    assert [] == work.failures()
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.fault("F69", "gc after a run that was killed, with its job still to be resumed", "its files stay; once")
def test_gc_leaves_a_job_that_can_be_resumed(home: Home) -> None:
    """However old its files are: it is live in the ledger."""
    assert died(home.run("--workers", 1, SCORING_FAILPOINTS="commit.begin#3=kill"))
    files = make_old(home.out, home.program.folder / "home" / "store")
    assert [path for path in files if "_staging" in path.parts]
    home.program("gc", "--older-than", "1h")
    assert [] == [path for path in files if not path.exists()]
    home.program("resume", "last")
    home.prove()
