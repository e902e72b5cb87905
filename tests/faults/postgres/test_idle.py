"""No transaction is open while anything but the database is waited for."""

from collections.abc import Callable

import pytest

from tests.faults.scene import Scene
from tests.faults.worker.hold import Hold
from tests.waiting import wait_for

POINTS = ("split.written", "score.read#1", "stage.fsync@2", "commit.begin#3", "promote.rename@4", "finalize.promoted")
OPEN = "SELECT state, query FROM pg_stat_activity WHERE application_name = 'scoring' AND xact_start IS NOT NULL"
LONG = " AND xact_start < clock_timestamp() - interval '0.5 s'"
IDLE = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'scoring' AND state = 'idle'"


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F47",
    "a worker is held while it splits, scores, writes, renames and finalizes; `pg_stat_activity` is read",
    "no transaction is open; idle_in_transaction_session_timeout is set",
)
@pytest.mark.parametrize("point", POINTS)
def test_no_transaction_is_open_while_a_step_works(scene: Scene, hold: Callable[..., Hold], point: str) -> None:
    """A lease is a row, not a lock."""
    held = hold(point)
    with scene.running("scheduler"), scene.running("worker", "--concurrency", 1, **held.settings):
        work = scene.submit(rows=6_000)
        held.pid()
        wait_for(lambda: scene.sql(OPEN) == [], "a moment without a transaction", seconds=20)
        assert [] == scene.sql(OPEN + LONG)
        assert scene.sql(IDLE) != [(0,)]
        held.let_go()
        work.wait()
    work.prove()
