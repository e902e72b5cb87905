"""Between the ledger and the bell: whoever rings may die on either side of it, and many may submit at once."""

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from scoring.core.ids import new_job_id
from tests.acceptance.program import Program
from tests.faults.control.home import Home
from tests.faults.scene import Scene
from tests.waiting import wait_for

CHUNKS = 8
SUBMITS = 20
LIVE = 5_000


def kill_once(scene: Scene, *points: str) -> dict[str, str]:
    return {"SCORING_FAILPOINTS": ";".join(f"{point}=kill!{scene.folder / point}" for point in points)}


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F55", "KILL to the scheduler between mark and publish, and between publish and mark", "rung again; once"
)
@pytest.mark.parametrize("point", ["publish.marked", "publish.sent"])
def test_a_scheduler_that_dies_at_the_bell_is_followed(
    scene: Scene, point: str, recovered: Callable[[float], None]
) -> None:
    """The split is marked as rung; the next scheduler rings it again, or it was heard already."""
    killed = kill_once(scene, point)
    scene.servers.redis.kill()  # so that the submit rings nothing, and the scheduler has to
    work = scene.submit(rows=CHUNKS * 1_000)
    scene.servers.redis.start()
    with scene.running("scheduler", **killed) as first:
        assert -9 == first.wait(timeout=60)
    begun = time.monotonic()
    with scene.running("scheduler"), scene.running("worker", "--concurrency", 2):
        work.wait_for_parts(1)
        recovered(time.monotonic() - begun)
        work.wait()
    assert [] == work.failures()
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F55", "KILL to a worker's child that rings the next chunks, on either side of the bell", "rung again; once"
)
@pytest.mark.parametrize("point", ["publish.marked", "publish.sent"])
def test_a_worker_that_dies_at_the_bell_loses_no_chunk(
    scene: Scene, point: str, recovered: Callable[[float], None]
) -> None:
    """What it has marked and not rung is missed by the scheduler, which counts the queue."""
    with (
        scene.running("scheduler"),
        scene.running("worker", "--concurrency", 2, **kill_once(scene, f"{point}")),
    ):
        work = scene.submit(rows=CHUNKS * 1_000)
        wait_for((scene.folder / point).exists, "a death at the bell")
        recovered(work.recovery())
        work.wait()
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.fault("F56", "twenty processes submit with one key at once", "one job; all of them print its id")
@pytest.mark.parametrize("ledger", ["postgres", "sqlite"])
def test_one_key_makes_one_job_whoever_comes_first(request: pytest.FixtureRequest, home: Home, ledger: str) -> None:
    """On both ledgers; the id is that of the winner."""
    program = home.program
    if ledger == "postgres":
        settings = request.getfixturevalue("scene").program.settings
        program = Program(program.folder, settings)
    script = str(Path(__file__).with_name("submitters.py"))
    submits = program.start(script, SUBMITS, "churn.onnx", "rows.parquet", "tonight", name="python")
    said, error = submits.communicate(timeout=120)
    assert 0 == submits.returncode, error
    assert SUBMITS == len(said.split())
    (job_id,) = set(said.split())
    assert [job_id] == [job["job_id"] for job in program.json("jobs")]


@pytest.mark.fault(
    "F56", "a thousand ids made within a moment", "neither their order nor a beginning in common tells the time"
)
def test_an_id_tells_no_time() -> None:
    """A second one of the same microsecond is another one: no clock makes them."""
    ids = [new_job_id() for _ in range(1_000)]
    assert 1_000 == len(set(ids))
    assert ids != sorted(ids)
    assert 16 == len(Counter(job_id[0] for job_id in ids))


@pytest.mark.exhaustive
@pytest.mark.fault("F61", "5 000 live leases and one that has run out, the last of them", "found within lease + 10 s")
def test_a_dead_worker_is_found_among_five_thousand_that_live(scene: Scene, recovered: Callable[[float], None]) -> None:
    """Pages of long chunks hide nobody."""
    work = scene.submit(rows=1_000)
    hour = 3_600_000_000
    leased = (
        "INSERT INTO steps (job_id, kind, chunk, runner, priority, bytes, state, attempt, failures, rings, worker,"
        " lease_until, started_at) SELECT %s, 'score', 100 + n, 'fleet', 'normal', 0, 'running', 1, 0, 0, 'far:1',"
        " (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + CASE WHEN n = %s THEN 0 ELSE %s END, 0"
        " FROM generate_series(0, %s) n"
    )
    rescued = "SELECT chunk FROM steps WHERE job_id = %s AND chunk >= 100 AND state <> 'running'"
    with scene.running("scheduler"):
        wait_for(lambda: "started" in scene.log("scheduler").read_text(), "the scheduler")
        scene.sql(leased, work.job_id, LIVE, hour, LIVE)
        begun = time.monotonic()
        wait_for(lambda: scene.sql(rescued, work.job_id), "the dead one")
        seconds = time.monotonic() - begun
        assert [(100 + LIVE,)] == scene.sql(rescued, work.job_id)
    recovered(seconds)
    assert scene.lease_seconds + 10 >= seconds
