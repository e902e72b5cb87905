"""Commands that wait, while the servers go away and come back."""

from collections.abc import Callable

import pytest

from tests.acceptance.program import Program
from tests.acceptance.terminal import Terminal
from tests.faults.scene import Scene, Work
from tests.waiting import wait_for

SLOW = {"SCORING_FAILPOINTS": "score.read=pause:0.2"}


def outage(scene: Scene, work: Work) -> float:
    """Both servers are gone for a moment; seconds from their return to the next new part."""
    scene.servers.redis.kill()
    scene.servers.postgres.stop_immediately()
    scene.servers.postgres.start()
    scene.servers.redis.start()
    return work.recovery()


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F40", "Postgres and Redis crash and restart under `wait` and `status --watch`", "both give the verdict"
)
def test_who_waits_outlasts_an_outage(scene: Scene, recovered: Callable[[float], None]) -> None:
    """Neither ends early, and neither says anything of it on stdout."""
    with scene.running("scheduler"), scene.running("worker", "--concurrency", 1, **SLOW):
        work = scene.submit()
        work.wait_for_parts(2)
        waiting = scene.program.start("wait", work.job_id)
        watching = scene.program.start("status", work.job_id, "--watch")
        looking = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'scoring'"
        wait_for(lambda: int(str(scene.sql(looking)[0][0])) >= 4, "both at the ledger")
        recovered(outage(scene, work))
        for process in (waiting, watching):
            out, said = process.communicate(timeout=120)
            assert 0 == process.returncode, said
            assert "succeeded" in out
    assert [] == work.failures()
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.fault("F40", "Postgres crashes and restarts under a `scoring run` on a terminal", "the run goes on; once")
def test_a_run_outlasts_an_outage(scene: Scene, recovered: Callable[[float], None]) -> None:
    """The bar stands still meanwhile; the chunk in hand costs no attempt."""
    scene.submit(rows=20_000)  # writes the files to score
    here = Work(scene=scene, job_id="last", rows=20_000, chunk_rows=1_000, out=scene.folder / "here")
    files = [str(scene.folder / name) for name in ("churn.onnx", "rows-20000.parquet")]
    job = (*files, "--key", "id", "-o", str(here.out), "--chunk-rows", "1000", "--workers", "1")
    terminal = Terminal(scene.program.with_settings(**SLOW).settings, "run", *job)
    here.wait_for_parts(3)
    recovered(outage(scene, here))
    assert 0 == terminal.ended()
    assert [] == here.failures()


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F40", "Postgres crashes and restarts under the only worker of a home without a broker", "it goes on; once"
)
def test_a_worker_without_a_broker_outlasts_an_outage(scene: Scene, recovered: Callable[[float], None]) -> None:
    """It ends neither its job nor itself."""
    settings = {name: value for name, value in scene.program.settings.items() if name != "SCORING_BROKER_URL"}
    alone = Scene(program=Program(scene.folder, settings), servers=scene.servers)
    work = alone.submit()
    with alone.running("worker", "--concurrency", 1, **SLOW) as worker:
        work.wait_for_parts(2)
        recovered(outage(alone, work))
        work.wait()
        assert worker.poll() is None
    assert [] == work.failures()
    work.prove()
