"""The ledger is upgraded, or taken back, while others work: nobody works on tables that are not his."""

import json

import psycopg
import pytest

from scoring.core.errors import ExitCode
from scoring.ledger.revisions import HEAD, UPGRADE_LOCK
from tests.faults.scene import Scene
from tests.servers.postgres import plain
from tests.waiting import wait_for

SLOW = {"SCORING_FAILPOINTS": "score.read=pause:0.1"}
SET = "UPDATE alembic_version SET version_num = %s"


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F50",
    "the revision in the ledger changes under a worker and a scheduler, to a newer or an older one",
    "nothing more is claimed; both end with exit 2 in words; once, when the revision fits again",
)
@pytest.mark.parametrize(
    ("revision", "words"), [("9999", "newer than this program"), ("0001", "older than this program")]
)
def test_no_process_works_on_tables_that_are_not_its_own(scene: Scene, revision: str, words: str) -> None:
    """The worker begins anew, with what is installed now: it would go on if that fitted."""
    with scene.running("scheduler") as scheduler, scene.running("worker", "--concurrency", 2, **SLOW) as worker:
        work = scene.submit()
        work.wait_for_parts(3)
        scene.sql(SET, revision)
        assert (ExitCode.USAGE, ExitCode.USAGE) == (scheduler.wait(60), worker.wait(60))
        claimed = scene.sql("SELECT max(started_at) FROM steps")
    for log in (scene.log("scheduler"), scene.log("worker", "--concurrency", 2)):
        assert words in log.read_text()
    assert claimed == scene.sql("SELECT max(started_at) FROM steps")
    assert words in scene.program("status", work.job_id, code=ExitCode.USAGE).stderr
    scene.sql(SET, HEAD)
    with scene.running("scheduler"), scene.running("worker", "--concurrency", 2):
        work.wait()
    assert [] == work.failures()
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.fault("F50", "`scoring db upgrade` twice at once, amid a job", "both exit 0, the job goes on; once")
def test_an_upgrade_of_a_ledger_in_use_waits_and_harms_nobody(scene: Scene) -> None:
    """There is nothing to do, and both say so."""
    with scene.running("scheduler"), scene.running("worker", "--concurrency", 2, **SLOW):
        work = scene.submit()
        work.wait_for_parts(3)
        both = [scene.program.start("db", "upgrade", "--json") for _ in range(2)]
        assert [{"revision": HEAD}] * 2 == [json.loads(migrator.communicate(timeout=60)[0]) for migrator in both]
        work.wait()
    assert [] == work.failures()
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.fault("F50", "a migrator holds its lock amid `scoring db upgrade`", "the second one waits for it")
def test_a_second_migrator_waits_for_the_first(scene: Scene) -> None:
    """As long as it takes: the time-outs of the daily work do not hold for it."""
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with psycopg.connect(plain(scene.program.settings["SCORING_DATABASE_URL"])) as first:
        first.execute("SELECT pg_advisory_xact_lock(%s)", (UPGRADE_LOCK,))
        second = scene.program.start("db", "upgrade")
        wait_for(lambda: scene.sql(waiting) == [(1,)], "the second migrator")
        assert second.poll() is None
    assert 0 == second.wait(60)
