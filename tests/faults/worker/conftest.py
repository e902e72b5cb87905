"""A moment to hold, and the chunks that were tried again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.scene import Scene
from tests.faults.worker.hold import Hold

CHUNK = 3
"""The chunk that meets the fault."""

Attempts = Callable[[str], list[tuple[object, ...]]]


@pytest.fixture
def hold(tmp_path: Path) -> Callable[..., Hold]:
    """`hold("score.read#3")`."""
    return lambda *points: Hold(tmp_path, *points)


@pytest.fixture
def attempts(scene: Scene) -> Attempts:
    """(attempt, outcome, code) of the chunks of a job that took more than one attempt, in order."""
    query = (
        "SELECT attempt, outcome, error_code FROM attempts WHERE job_id = %s AND kind = 'score' AND chunk IN"
        " (SELECT chunk FROM attempts WHERE job_id = %s AND kind = 'score' GROUP BY chunk HAVING count(*) > 1)"
        " ORDER BY chunk, attempt"
    )
    return lambda job_id: scene.sql(query, job_id, job_id)
