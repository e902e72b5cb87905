"""The server is there and refuses: no connection left, a locked table, read-only. The job waits, and nothing fails."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest

from scoring.core.errors import ExitCode
from tests.faults.scene import Scene, Work
from tests.servers.postgres import plain
from tests.waiting import wait_for

SLOW = {"SCORING_FAILPOINTS": "score.read=pause:0.1"}
CUT_ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'scoring'"
WORKER = ("worker", "--concurrency", 2)
TENANT = "tenant"

Recovered = Callable[[float], None]


@contextmanager
def working(scene: Scene, **settings: str) -> Iterator[Work]:
    """A job of which some parts are done; all processes are alive at the end, and no attempt has failed."""
    with scene.running("scheduler", **settings) as scheduler, scene.running(*WORKER, **SLOW, **settings) as worker:
        work = scene.submit()
        work.wait_for_parts(3)
        yield work
        work.wait()
        assert (None, None) == (scheduler.poll(), worker.poll())
    assert [] == work.failures()
    work.prove()


def said(scene: Scene, words: str) -> Callable[[], bool]:
    return lambda: words in scene.log("scheduler").read_text() and words in scene.log(*WORKER).read_text()


def as_tenant(scene: Scene) -> str:
    """The ledger's URL for a role that is no superuser: those heed no limit."""
    scene.sql(f"CREATE ROLE {TENANT} LOGIN PASSWORD 'tenant'")
    scene.sql(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {TENANT}")
    scene.sql(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {TENANT}")
    address = scene.program.settings["SCORING_DATABASE_URL"].rpartition("@")[2]
    return f"postgresql+psycopg://{TENANT}:tenant@{address}"


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F43", "`ALTER ROLE … CONNECTION LIMIT 0`, then 2, amid a job, connections cut", "all wait, in words; once"
)
def test_processes_wait_for_connections(scene: Scene, recovered: Recovered) -> None:
    """Nobody ends or burns an attempt, and a command that gets none says so."""
    url = as_tenant(scene)
    with working(scene, SCORING_DATABASE_URL=url) as work:
        scene.sql(f"ALTER ROLE {TENANT} CONNECTION LIMIT 0")
        scene.sql(CUT_ALL)
        wait_for(said(scene, "too many connections"), "words in both logs")
        asked = scene.program.with_settings(SCORING_DATABASE_URL=url)
        assert "too many connections" in asked("status", work.job_id, code=ExitCode.UNREACHABLE).stderr
        scene.sql(f"ALTER ROLE {TENANT} CONNECTION LIMIT 2")
        scene.sql(f"ALTER ROLE {TENANT} CONNECTION LIMIT -1")
        recovered(work.recovery())


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F44",
    "ACCESS EXCLUSIVE on `steps` for four leases",
    "heartbeats and claims wait, then give up; leases that ran out meanwhile cost no attempt; once",
)
def test_a_locked_table_costs_no_attempt(scene: Scene, recovered: Recovered) -> None:
    """A lock that outlasts every lease keeps the scheduler from judging, not only the owners from extending."""
    with working(scene) as work:
        with psycopg.connect(plain(scene.program.settings["SCORING_DATABASE_URL"])) as locker:
            locker.execute("LOCK TABLE steps IN ACCESS EXCLUSIVE MODE")
            locker.execute("SELECT pg_sleep(%s)", (4 * scene.lease_seconds,))
        recovered(work.recovery())


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F44",
    "ACCESS EXCLUSIVE on `steps` under a split for 16 s, longer than a lease and the 10 s that hung work is given; the"
    " job may fail once",
    "the split waits and goes on, no attempt fails; once",
)
def test_work_that_waits_for_the_ledger_is_not_taken_for_hung(scene: Scene) -> None:
    """It hangs in no native code: the ledger's time-outs bring it back, and its process lives."""
    (held := scene.folder / "held").mkdir()
    amid = {"SCORING_FAILPOINTS": f"split.recorded@2=hold:{held}!{scene.folder / 'once'}"}
    patient = replace(scene, program=scene.program.with_settings(SCORING_MAX_ATTEMPTS="1"))
    with scene.running("scheduler"), scene.running(*WORKER, **amid):
        work = patient.submit()
        wait_for(lambda: list(held.iterdir()), "a split at work")
        with psycopg.connect(plain(scene.program.settings["SCORING_DATABASE_URL"])) as locker:
            locker.execute("LOCK TABLE steps IN ACCESS EXCLUSIVE MODE")
            next(held.iterdir()).unlink()
            locker.execute("SELECT pg_sleep(16)")
        work.wait()
    assert [] == work.failures()
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F46",
    "`ALTER DATABASE … SET default_transaction_read_only = on` amid a job, connections cut",
    "all pause; new connections are tried until one may write; once",
)
def test_a_read_only_server_pauses_the_job(scene: Scene, recovered: Recovered) -> None:
    """As after a fail-over: sessions that were opened meanwhile are left behind, for they stay read-only."""
    name = scene.program.settings["SCORING_DATABASE_URL"].rpartition("/")[2]
    with working(scene) as work:
        scene.sql(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        scene.sql(CUT_ALL)
        wait_for(said(scene, "read-only"), "words in both logs")
        failed = {
            check["name"] for check in scene.program.json("doctor", code=6)["checks"] if check["status"] == "failed"
        }
        assert {"ledger"} == failed
        with psycopg.connect(plain(scene.servers.postgres.url), autocommit=True) as connection:
            connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = off')
        recovered(work.recovery())
