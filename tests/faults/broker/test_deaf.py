"""A worker that lives, is connected, and hears nothing; and one that hears again, with a slot still busy."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.broker.fleet import WORKER, fleet, lines, odd_worker
from tests.faults.scene import Scene
from tests.waiting import wait_for

BACK_SECONDS = 30


@pytest.mark.fault("F2", "a connected worker asks for no message any more, for ever", "it starts anew, and hears")
@pytest.mark.exhaustive
def test_a_worker_that_lives_and_hears_nothing_starts_anew(
    scene: Scene, tmp_path: Path, recovered: Callable[[float], None]
) -> None:
    """Its loop turns and its connection stands: only that messages wait while it is idle tells that it is deaf."""
    deafness = tmp_path / "deaf"
    with scene.running("scheduler"), odd_worker(scene, "deaf.py", deafness, *WORKER):
        work = scene.submit()
        work.wait_for_parts(2)
        deafness.touch()
        wait_for(lambda: lines(scene, "starting anew"), "the watch's word")
        recovered(work.recovery())
        work.wait()
    assert 2 == len(lines(scene, "slots, queues"))
    assert [] == work.failures()
    work.prove()


@pytest.mark.fault("F17", "KILL and restart of Redis during a long chunk", "the idle slot takes the next job at once")
@pytest.mark.exhaustive
def test_an_idle_slot_is_not_taken_for_busy_after_a_restart(
    scene: Scene, tmp_path: Path, recovered: Callable[[float], None]
) -> None:
    """Twice, so that slots miscounted at each restart would be missed; the long chunk ends as if nothing was."""
    held = tmp_path / "held"
    held.mkdir()
    with fleet(scene, SCORING_FAILPOINTS=f"score.read@1=hold:{held}!{tmp_path / 'first'}"):
        long = scene.submit(rows=1_000, out="long")
        wait_for(lambda: list(held.iterdir()), "the long chunk")
        for bounce in range(2):
            scene.servers.redis.kill()
            scene.servers.redis.start()
            short = scene.submit(rows=4_000, out=f"short-{bounce}")
            recovered(seconds := short.recovery())
            assert BACK_SECONDS >= seconds
            short.wait()
            short.prove()
        assert 0 == long.done()
        [mark] = held.iterdir()
        mark.unlink()
        long.wait()
    assert [] == long.failures()
    long.prove()
