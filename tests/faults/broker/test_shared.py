"""A Redis that serves another program as well."""

import pytest

from scoring.core.states import Priority
from scoring.queue import queue_name
from tests.faults.broker.fleet import fleet, odd_process
from tests.faults.scene import Scene
from tests.waiting import wait_for


@pytest.mark.fault(
    "F14", "a foreign worker on the same database: same queue and task, 1 s visibility", "it gets nothing of ours"
)
@pytest.mark.exhaustive
def test_a_foreign_worker_on_the_same_database_takes_nothing(scene: Scene) -> None:
    """Our keys bear our prefix: its short visibility timeout does not re-queue our messages, nor do we take its."""
    url, log = scene.program.settings["SCORING_BROKER_URL"], scene.folder / "foreign.log"
    with odd_process(scene, log, "foreign.py", url, queue_name(Priority.NORMAL)):
        wait_for(lambda: "ready" in log.read_text(), "the foreign worker")
        with fleet(scene):
            work = scene.submit()
            work.wait()
    assert "foreign: got" not in log.read_text()
    assert [] == work.failures()
    work.prove()
