"""Roles that read what is promised and nothing else; and that migrations leave what users built upon it."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import make_url, text

import migrations
from scoring.core.errors import SettingsError, UsageError
from scoring.core.result_table import PartitionBy, TableName
from scoring.ledger import revisions, roles, schema_version
from scoring.ledger.database import Ledger, Tx
from scoring.ledger.reports import VIEWS
from scoring.ledger.result_indexes import Indexed
from scoring.ledger.result_sql import execute
from scoring.ledger.role_rights import RoleKind
from tests.ledger.desk import Desk, split_of
from tests.ledger.result_desk import build, finished, sql, submit, table, write
from tests.servers.postgres import plain


def as_role(url: str, role: str, statement: str) -> list[Any]:
    with psycopg.connect(plain(url)) as connection:
        connection.execute(f'SET ROLE "{role}"')
        return connection.execute(statement).fetchall()


@pytest.fixture
def role(results_desk: Desk) -> Iterator[str]:
    """A name that asks for quotes; roles outlive their database."""
    name = 'ana"lyst'
    yield name
    sql(results_desk, 'DROP OWNED BY "ana""lyst"; DROP ROLE IF EXISTS "ana""lyst"')


def test_a_reader_sees_views_and_results_and_nothing_else(results_desk: Desk, results_url: str, role: str) -> None:
    """Tables that come later too; no table of the ledger, no writing, no making."""
    job = finished(results_desk)
    made = results_desk.run(lambda tx: roles.grant(tx, {RoleKind.READER}, role))
    assert (True, ("public.scores",), False) == (made.created, made.tables, made.may_make_temporary)
    later = table(TableName(schema="public", name="later"))
    submit(results_desk, later)
    allowed = ["job_progress", "batch_accuracy", "scores", "latest_scores", "later", "latest_later"]
    quoted = role.replace('"', '""')
    for name in allowed:
        as_role(results_url, quoted, f"SELECT * FROM {name}")
    assert [(job.id,)] == as_role(results_url, quoted, "SELECT DISTINCT job_id FROM latest_scores")
    for statement in (
        "SELECT * FROM jobs",
        "SELECT * FROM meta",
        "DELETE FROM scores",
        "UPDATE job_rejects SET rows = 0",
        "INSERT INTO later (job_id) VALUES ('x')",
        "CREATE TABLE mine (a int)",
        "CREATE TEMP TABLE mine (a int)",
        "CREATE SCHEMA mine",
        "TRUNCATE scores",
        "SELECT 1 FROM meta FOR UPDATE",
        "LOCK TABLE scores IN ROW EXCLUSIVE MODE",
        "SELECT lo_from_bytea(0, 'x')",
        "SELECT lo_create(0)",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_role(results_url, quoted, statement)


def test_a_readers_sessions_only_read_and_do_not_linger(results_desk: Desk, results_url: str, role: str) -> None:
    """Its defaults in this database; the name is quoted in the hint, too."""
    made = results_desk.run(lambda tx: roles.grant(tx, {RoleKind.READER}, role))
    assert (True, False) == (made.configured, made.may_make_large_objects)
    sql(results_desk, 'ALTER ROLE "ana""lyst" LOGIN PASSWORD \'secret\'')
    url = make_url(results_url).set(username=role, password="secret")
    with psycopg.connect(plain(url.render_as_string(hide_password=False))) as connection:
        names = ("default_transaction_read_only", "idle_in_transaction_session_timeout")
        assert [("on",), ("1min",)] == [connection.execute(f"SHOW {name}").fetchone() for name in names]


def test_locks_that_a_reader_can_take_stop_nothing(results_desk: Desk, results_url: str, role: str) -> None:
    """Every advisory lock that the program may ever have asked for: jobs are rung, tables made and indexed."""
    results_desk.run(lambda tx: roles.grant(tx, {RoleKind.READER}, role))
    keys = [str(7_246_114_303 + number) for number in range(3)]
    keys += [f"hashtext('scoring.{what}'), hashtext('public.scores')" for what in ("result_table", "index")]
    with psycopg.connect(plain(results_url)) as connection:
        connection.execute('SET ROLE "ana""lyst"')
        for key in keys:
            connection.execute(f"SELECT pg_advisory_lock({key})")
        job = submit(results_desk)
        assert [split_of(job.id)] == results_desk.publish()
        write(results_desk, job)
        assert Indexed.BUILT is build(results_desk, job)


def test_the_program_tells_a_reader_what_it_needs(results_desk: Desk, results_url: str, role: str) -> None:
    """In one line, with the remedy, and no trace of the program's own failure."""
    results_desk.run(lambda tx: roles.grant(tx, {RoleKind.READER}, role))
    sql(results_desk, 'ALTER ROLE "ana""lyst" LOGIN PASSWORD \'secret\'')
    url = make_url(results_url).set(username=role, password="secret").render_as_string(hide_password=False)
    with pytest.raises(SettingsError, match=r"not for this role.*permission denied for table alembic_version.*psql"):
        Ledger.open(url)


def test_a_reader_is_made_once_and_stays_after_an_upgrade(results_desk: Desk, results_url: str, role: str) -> None:
    """Migrations make the views anew; the grants come with them. A role that is gone is left out."""
    results_desk.run(lambda tx: roles.grant(tx, {RoleKind.READER}, role))
    assert not results_desk.run(lambda tx: roles.grant(tx, {RoleKind.READER}, role)).created
    quoted = role.replace('"', '""')
    sql(results_desk, f'REVOKE ALL ON job_progress FROM "{quoted}"')
    schema_version.upgrade(results_url)
    as_role(results_url, quoted, "SELECT * FROM job_progress")
    sql(results_desk, f'DROP OWNED BY "{quoted}"; DROP ROLE "{quoted}"')
    schema_version.upgrade(results_url)
    submit(results_desk)
    results_desk.run(lambda tx: roles.grant(tx, {RoleKind.READER}, role))


@pytest.mark.parametrize(("name", "error"), [("scoring", UsageError), ("pg_mine", SettingsError), ("", UsageError)])
def test_a_role_that_is_no_reader_is_refused(name: str, error: type[Exception], results_desk: Desk) -> None:
    """The ledger's own, a reserved name, none."""
    with pytest.raises(error):
        results_desk.run(lambda tx: roles.grant(tx, {RoleKind.READER}, name))


def revision(tx: Tx, number: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["connection"] = tx
    command.upgrade(config, number)


def test_an_upgrade_leaves_the_views_of_users_alone(fresh_postgres: Callable[[], str]) -> None:
    """One that stands on the ledger's own is named, as is a table with a name of the ledger's; any other stays."""
    url = fresh_postgres()
    ledger = Ledger.connect(url)
    with ledger.write() as tx:
        revision(tx, "0001")
        execute(tx, "CREATE VIEW latest_news AS SELECT 1 AS one")
        execute(tx, "CREATE VIEW mine AS SELECT job_id FROM job_progress")
        execute(tx, "CREATE TABLE roles (job_id text)")
    for named, remedy in (("view mine depends on view job_progress", "VIEW mine"), ('"roles" already', "TABLE roles")):
        with pytest.raises(SettingsError, match=named):
            schema_version.upgrade(url)
        with ledger.write() as tx:
            assert "0001" == revisions.revision(tx)
            execute(tx, f"DROP {remedy}")
    schema_version.upgrade(url)
    with ledger.read() as tx:
        assert 1 == tx.scalar(text("SELECT one FROM latest_news"))
    ledger.close()


def test_the_view_of_the_newest_batch_holds_no_table_in_place(results_desk: Desk) -> None:
    """A migration may take the ledger's views away and alter any column of `jobs` while it is there."""
    job = finished(results_desk)
    with suppress(Undone), results_desk.ledger.write() as tx:
        for view in VIEWS:
            execute(tx, f"DROP VIEW {view}")
        execute(tx, "ALTER TABLE jobs ALTER COLUMN submitted_at TYPE numeric, ALTER COLUMN number TYPE integer")
        newest = tx.scalar(text("SELECT DISTINCT job_id FROM latest_scores"))
        raise Undone
    assert job.id == newest


def test_a_reader_of_an_earlier_release_stays_one(fresh_postgres: Callable[[], str]) -> None:
    """Revision 0003 kept readers, and the rows that publishers lock, in `meta`: nobody finds the old ones there."""
    url = fresh_postgres()
    ledger = Ledger.connect(url)
    with ledger.write() as tx:
        revision(tx, "0003")
        execute(tx, "INSERT INTO meta VALUES ('reader:old', 'old'); CREATE ROLE old")
    try:
        schema_version.upgrade(url)
        assert [] == as_role(url, "old", "SELECT * FROM job_progress")
        with ledger.read() as tx:
            publishers = "SELECT count(*) FROM locks WHERE starts_with(name, 'publisher:')"
            assert 3 == tx.exec_driver_sql(publishers).scalar_one()
            assert 0 == tx.exec_driver_sql("SELECT count(*) FROM meta WHERE starts_with(key, 'lock:')").scalar_one()
    finally:
        with ledger.write() as tx:
            execute(tx, "DROP OWNED BY old; DROP ROLE old")
        ledger.close()


class Undone(Exception):
    """Ends a transaction without a trace."""


OWNER = "OwnerOfLedger"


@pytest.fixture
def plain_owner(results_url: str) -> Iterator[str]:
    """URL of a database whose owner is no superuser, nor may make roles, and has a name with capitals."""
    with psycopg.connect(plain(results_url), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE \"{OWNER}\" LOGIN PASSWORD 'secret'")
        connection.execute(f'CREATE DATABASE "{OWNER}" OWNER "{OWNER}" TEMPLATE template0')
        yield make_url(results_url).set(username=OWNER, password="secret", database=OWNER).render_as_string(False)
        connection.execute(f'DROP DATABASE "{OWNER}" WITH (FORCE)')
        connection.execute(f'DROP ROLE "{OWNER}"')


def test_an_owner_without_further_rights_is_enough(plain_owner: str, results_url: str) -> None:
    """For tables, partitions and views; a table in a schema of others is filled, and nothing is made beside it."""
    others = make_url(results_url).set(database=OWNER).render_as_string(hide_password=False)
    schema_version.upgrade(plain_owner)
    with psycopg.connect(plain(others), autocommit=True) as connection:
        connection.execute("CREATE SCHEMA lake")
        columns = 'job_id text, chunk int, _row bigint, "100%" text, score float8'
        connection.execute(f"CREATE TABLE lake.scores ({columns})")
        connection.execute(f'GRANT USAGE ON SCHEMA lake TO "{OWNER}"; GRANT INSERT, SELECT ON lake.scores TO "{OWNER}"')
    ledger = Ledger.open(plain_owner)
    desk = Desk(ledger)
    for job in (submit(desk, table(by=PartitionBy.JOB)), submit(desk, table(TableName(schema="lake", name="scores")))):
        write(desk, job)
        build(desk, job)
    assert [(3,)] == sql(desk, "SELECT count(*) FROM lake.scores")
    views = "SELECT to_regclass('lake.latest_scores')::text, to_regclass('latest_scores')::text"
    assert [(None, "latest_scores")] == sql(desk, views)
    with pytest.raises(SettingsError, match=r"make x a reader.*permission denied"):
        desk.run(lambda tx: roles.grant(tx, {RoleKind.READER}, "x"))
    with pytest.raises(UsageError, match="nothing less"):
        desk.run(lambda tx: roles.grant(tx, {RoleKind.READER}, OWNER))
    ledger.close()
