"""Producers, workers and schedulers as Postgres roles: what they need they have, whatever an upgrade makes anew."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url, text

from scoring.core.errors import SettingsError, UsageError
from scoring.core.result_table import PartitionBy
from scoring.ledger import roles, schema_version
from scoring.ledger.database import Ledger
from scoring.ledger.result_indexes import Indexed
from scoring.ledger.role_rights import RoleKind
from tests.ledger.desk import Desk
from tests.ledger.result_desk import SLOT, build, indexes, submit, table, write
from tests.ledger.staff import login, staff
from tests.servers.postgres import plain


def ask(desk: Desk, statement: str) -> list[Any]:
    with desk.ledger.read() as tx:
        return [tuple(row) for row in tx.execute(text(statement))]


@pytest.mark.parametrize("by", [None, PartitionBy.JOB, PartitionBy.SLOT])
def test_a_result_table_is_made_by_a_producer_and_filled_by_a_worker(
    by: PartitionBy | None, desk_of: Callable[[str], Desk], results_desk: Desk, results_url: str
) -> None:
    """Neither owns it; its indexes are built, readers see it, and only the ledger's owner takes it away."""
    producer, worker = desk_of("submitter"), desk_of("hand")
    slots = {"schedule": "nightly", "slot": SLOT} if by is PartitionBy.SLOT else {}
    model = producer.model()
    job = submit(producer, table(by=by), model_version_id=model, **slots)
    worker.split_into(job.id, 1)
    write(worker, job)
    worker.complete(job.id, 0)
    assert Indexed.BUILT is build(worker, job)
    worker.finish(job.id)
    assert [] != indexes(results_desk)
    with psycopg.connect(plain(login(results_url, "analyst"))) as reader:
        assert [(job.id, 3)] == reader.execute("SELECT job_id, count(*) FROM latest_scores GROUP BY 1").fetchall()
    for role, deed in (
        ("hand", "SELECT * FROM scores"),
        ("hand", "DELETE FROM scores"),
        ("submitter", "INSERT INTO scores SELECT * FROM scores"),
        ("submitter", "DROP TABLE scores"),
    ):
        refused = pytest.raises(psycopg.errors.InsufficientPrivilege)
        with psycopg.connect(plain(login(results_url, role))) as connection, refused:
            connection.execute(deed.encode())


def test_a_role_that_comes_later_works_on_what_is_there(results_desk: Desk, results_url: str) -> None:
    """Tables and partitions of jobs that were submitted before."""
    job = submit(results_desk, table(by=PartitionBy.JOB))
    results_desk.split_into(job.id, 1)
    with staff(results_url):
        ledger = Ledger.open(login(results_url, "hand"))
        write(Desk(ledger), job)
        ledger.close()


def test_an_upgrade_gives_roles_what_is_theirs_and_no_more(desk_of: Callable[[str], Desk], results_url: str) -> None:
    """What was taken is given again, what was given beside it is taken."""
    worker = desk_of("hand")
    with psycopg.connect(plain(results_url)) as owner:
        owner.execute("REVOKE ALL ON steps FROM hand; GRANT DELETE, UPDATE ON jobs TO hand")
    schema_version.upgrade(results_url)
    assert [] == ask(worker, "SELECT * FROM steps")
    rights = "has_table_privilege('jobs', 'DELETE'), has_column_privilege('jobs', 'output', 'UPDATE')"
    assert [(False, False)] == ask(worker, f"SELECT {rights}")


def test_only_the_owner_changes_the_ledger(desk_of: Callable[[str], Desk], results_url: str) -> None:
    """Said in words, whether there is something to upgrade or not."""
    role = "clock"
    with pytest.raises(SettingsError, match="not this role's to change"):
        schema_version.upgrade(login(results_url, role))
    with pytest.raises(SettingsError, match="not this role's to change"):
        desk_of(role).run(lambda tx: roles.grant(tx, {RoleKind.PRODUCER}, "analyst"))


def test_a_reader_is_not_made_to_write(desk_of: Callable[[str], Desk], results_desk: Desk) -> None:
    """Nor a worker to read only: the sessions of a reader are read-only."""
    for kind, role in ((RoleKind.WORKER, "analyst"), (RoleKind.READER, "hand")):
        with pytest.raises(UsageError, match="cannot read and write"):
            results_desk.run(lambda tx, kind=kind, role=role: roles.grant(tx, {kind}, role))  # type: ignore[misc]


def test_nothing_that_others_planted_is_picked_up(desk_of: Callable[[str], Desk], results_url: str) -> None:
    """S24: the path of our connections ends with the ledger's schema, whatever the database's default says."""
    database = make_url(results_url).database
    with psycopg.connect(plain(results_url), autocommit=True) as owner:
        owner.execute("CREATE SCHEMA planted; CREATE TABLE planted.trap (a int)")
        owner.execute("CREATE FUNCTION planted.trap() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        owner.execute("CREATE OPERATOR planted.<%> (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl)")
        owner.execute("GRANT USAGE ON SCHEMA planted TO PUBLIC")
        owner.execute(f'ALTER DATABASE "{database}" SET search_path = public, planted'.encode())
        owner.execute(f'ALTER ROLE hand IN DATABASE "{database}" RESET ALL'.encode())
    try:
        with psycopg.connect(plain(login(results_url, "hand"))) as connection:
            assert (1,) == connection.execute("SELECT trap()").fetchone()  # as it would be
        worker = desk_of("hand")
        assert [("public, pg_temp",)] == ask(worker, "SHOW search_path")
        assert [(None, None, None)] == ask(
            worker, "SELECT to_regclass('trap'), to_regproc('trap'), to_regoperator('<%>(int,int)')"
        )
    finally:
        with psycopg.connect(plain(results_url), autocommit=True) as owner:
            owner.execute(f'ALTER DATABASE "{database}" RESET search_path; DROP SCHEMA planted CASCADE'.encode())


def test_a_producers_own_schema_is_no_door_to_others(desk_of: Callable[[str], Desk], results_url: str) -> None:
    """S24: nobody but the owner makes anything in the ledger's schema, where all look; temporary names come last."""
    with psycopg.connect(plain(login(results_url, "submitter"))) as connection:
        assert ("public, pg_temp",) == connection.execute("SHOW search_path").fetchone()
        creates = "has_schema_privilege('public', 'CREATE'), has_database_privilege(current_database(), 'CREATE')"
        assert (False, False) == connection.execute(f"SELECT {creates}".encode()).fetchone()
