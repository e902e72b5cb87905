"""Tables, migrations and views: what the code expects is what the migrations make."""

import re
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError

import migrations
from scoring.core.errors import SettingsError
from scoring.ledger import reports, revisions, schema_version
from scoring.ledger.database import Ledger, Tx
from scoring.ledger.tables import metadata
from tests.ledger.conftest import BOTH
from tests.ledger.desk import Desk


@pytest.fixture(params=BOTH)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without a table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'home' / 'ledger.db'}"
    fresh: Callable[[], str] = request.getfixturevalue("fresh_postgres")
    return fresh()


def test_the_code_knows_the_newest_revision() -> None:
    """A new migration without a new HEAD would refuse its own ledger."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_heads() == [revisions.HEAD]


def _described(ledger: Ledger) -> dict[str, Any]:
    """Columns, keys, rules and indexes of every table, in words that do not depend on who wrote the DDL."""
    with ledger.read() as tx:
        seen = inspect(tx)
        return {
            table: {
                "columns": [(column["name"], column["nullable"]) for column in seen.get_columns(table)],
                "types": [
                    # SQLite has one type of floating-point number, under many names.
                    re.sub("REAL|DOUBLE.PRECISION", "DOUBLE", str(column["type"]))
                    for column in seen.get_columns(table)
                ],
                "primary": (
                    seen.get_pk_constraint(table)["name"],
                    seen.get_pk_constraint(table)["constrained_columns"],
                ),
                "foreign": sorted((str(key["name"]), key["referred_table"]) for key in seen.get_foreign_keys(table)),
                "unique": sorted((str(key["name"]), key["column_names"]) for key in seen.get_unique_constraints(table)),
                "checks": sorted((str(c["name"]), _flat(c["sqltext"])) for c in seen.get_check_constraints(table)),
                "indexes": sorted(
                    (
                        str(index["name"]),
                        index["column_names"],
                        bool(index["unique"]),
                        _flat(str(index.get("dialect_options", {}).get(f"{ledger.dialect}_where"))),
                    )
                    for index in seen.get_indexes(table)
                ),
            }
            for table in metadata.tables
        }


def _flat(sql: str) -> str:
    return re.sub(r"\s+", " ", sql)


def test_the_migrations_make_the_tables_that_the_code_sees(empty_url: str, fresh_postgres: Callable[[], str]) -> None:
    """Every column, key, rule and index, by name and by meaning."""
    schema_version.upgrade(empty_url)
    migrated = Ledger.open(empty_url)
    twin = Ledger.connect(fresh_postgres() if migrated.dialect == "postgresql" else f"{empty_url}.twin")
    with twin.write() as tx:
        metadata.create_all(tx)
    assert _described(twin) == _described(migrated)
    migrated.close()
    twin.close()


def test_every_rule_has_a_name() -> None:
    """A migration can only change what it can name."""
    unnamed = [
        (table.name, type(rule).__name__)
        for table in metadata.tables.values()
        for rule in table.constraints
        if not rule.name
    ]
    assert [] == unnamed


def test_an_embedded_ledger_makes_itself(tmp_path: Path) -> None:
    """In a folder that does not exist yet, readable by its owner alone."""
    path = tmp_path / "new" / "home" / "ledger.db"
    Ledger.open(f"sqlite:///{path}").close()
    assert 0o600 == path.stat().st_mode & 0o777
    assert revisions.HEAD == schema_version.check(f"sqlite:///{path}")


def test_a_server_is_never_changed_unasked(fresh_postgres: Callable[[], str]) -> None:
    """The remedy names the command."""
    url = fresh_postgres()
    with pytest.raises(SettingsError, match=r"no tables yet.*scoring db upgrade"):
        Ledger.open(url)
    schema_version.upgrade(url)
    Ledger.open(url).close()


@pytest.mark.fault("F50", "a revision from the future", "open, check and upgrade refuse it in words")
def test_a_newer_ledger_is_refused_in_words(empty_url: str) -> None:
    """By open, check and upgrade alike: old code must not touch new tables."""
    schema_version.upgrade(empty_url)
    ledger = Ledger.connect(empty_url)
    with ledger.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    ledger.close()
    for verb in (Ledger.open, schema_version.check, schema_version.upgrade):
        with pytest.raises(SettingsError, match=r"newer than this program.*revision 9999"):
            verb(empty_url)


def test_an_upgrade_keeps_what_is_there(desk: Desk, ledger_url: str) -> None:
    """And finds nothing to do the second time."""
    job = desk.running(2)
    schema_version.upgrade(ledger_url)
    assert job == desk.job(job.id)


@pytest.mark.fault("F50", "four upgrades of one empty ledger at once", "one migrates, the others find it done")
def test_of_two_migrators_one_waits(empty_url: str) -> None:
    """Both find the tables made."""
    with ThreadPoolExecutor(4) as pool:
        assert [revisions.HEAD] * 4 == list(pool.map(schema_version.upgrade, [empty_url] * 4))
    Ledger.open(empty_url).close()


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    """Nothing in it is changed."""
    path = tmp_path / "ledger.db"
    path.write_bytes(b"PAR1" * 1_000)
    with pytest.raises(SettingsError, match="cannot be read"):
        Ledger.open(f"sqlite:///{path}")
    assert b"PAR1" * 1_000 == path.read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE steps SET state = 'done'",
        "UPDATE steps SET state = 'running'",  # by nobody, without a lease
        "UPDATE steps SET state = 'succeeded'",  # without an end
        "UPDATE steps SET failures = -1",
        "UPDATE steps SET failures = attempt + 1",
        "UPDATE steps SET chunk = 5 WHERE kind = 'split'",
        "UPDATE steps SET rung_at = 1 WHERE due_at IS NULL",
        "UPDATE jobs SET state = 'over'",
        "UPDATE jobs SET state = 'failed', finished_at = 1, started_at = 1",  # for no reason
        "UPDATE jobs SET state = 'running'",  # never started
        "UPDATE jobs SET finished_at = 1",  # a live job
    ],
)
def test_the_tables_refuse_what_no_function_would_do(desk: Desk, change: str) -> None:
    """CHECK constraints repeat the rules."""
    desk.submit()
    with pytest.raises(IntegrityError), desk.ledger.write() as tx:
        tx.execute(text(change))


def test_every_promised_view_is_there(ledger: Ledger) -> None:
    """The same columns on both databases."""
    promised = {
        "job_progress": "job_id model version state priority schedule slot submitted_at started_at finished_at"
        " chunks_total chunks_done chunks_failed rows_total rows_scored rows_rejected rows_per_second eta_seconds"
        " output error_code error gate runner expected_by late result_table purged_at",
        "chunk_progress": "job_id chunk state attempts rows rows_scored rows_rejected worker started_at finished_at"
        " seconds part error_code error",
        "job_failures": "job_id chunk attempt worker failed_at error_code error",
        "batch_accuracy": "job_id model version schedule slot finished_at metric value rows coverage reason",
        "chunk_accuracy": "job_id chunk metric value rows",
        "batch_drift": "job_id model version slot feature metric value threshold alert",
        "job_rejects": "job_id chunk code column_name rows",
        "job_warnings": "job_id chunk code column_name rows",
        "parity_checks": "model version runtime provider passed tolerance max_difference worst rows rows_with_nulls"
        " checked_at",
        "processes": "process kind host version started_at last_seen_at slots doing",
        "accuracy_history": "job_id model version schedule slot revision measured_at metric value rows coverage status",
        "job_labels": "job_id revision file key_column label_column labels keys_unknown keys_doubled keys_replaced"
        " keys_shared added_at measured_at",
        "schedules": "schedule cron timezone model overlap catch_up paused managed revision next_slot slots_waiting"
        " last_slot last_slot_state last_job_id last_job_state late created_at changed_at",
        "schedule_slots": "schedule slot state reason origin job_id job_state start_by input_by expected_by late"
        " error_code error decided_at",
        "schedule_history": "schedule revision change changed_at definition",
    }
    assert set(promised) == set(reports.VIEWS)
    for name, columns in promised.items():
        found, _ = ledger.look(lambda tx, name=name: reports.view(tx, name))  # type: ignore[misc]
        assert set() == set(columns.split()) - set(found)


def test_sqlite_holds_what_the_ledger_asks_of_it(tmp_path: Path) -> None:
    """WAL, full synchronisation, foreign keys, a patient lock; readers cannot write."""
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    with ledger.write() as tx:
        assert ["wal", 2, 1, 30_000] == [tx.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in pragmas]
    with pytest.raises(Exception, match="readonly"), ledger.read() as tx:
        tx.execute(text("DELETE FROM meta"))
    ledger.close()
    assert 0 == sqlite3.connect(tmp_path / "ledger.db").execute("SELECT count(*) FROM meta").fetchone()[0]


def test_an_older_ledger_is_upgraded_with_what_it_holds(empty_url: str) -> None:
    """Jobs and figures of revision 0001 stand in the views of today; the figures are the first of their history."""
    ledger = Ledger.connect(empty_url)
    with ledger.write() as tx:
        _make_revision(tx, "0001")
        tx.execute(text("INSERT INTO models VALUES ('churn', 1)"))
        tx.execute(
            text(
                "INSERT INTO model_versions (id, name, version, sha256, spec_sha256, path, signature, spec, created_at)"
                " VALUES (1, 'churn', 1, 'a', 'b', 'c', '{}', '{}', 1)"
            )
        )
        tx.execute(
            text(
                "INSERT INTO jobs (job_id, state, round, runner, priority, model_version_id, definition_sha256, inputs,"
                " options, binding, output, output_held, chunk_rows, whole_groups, max_failures, rows_total,"
                " submitted_at, started_at, finished_at) VALUES ('abcd', 'succeeded', 1, 'fleet', 'normal', 1, 'd',"
                " '[]', '{}', '{}', '/out', false, 10, false, 3, 10, 1000000, 2000000, 3000000)"
            )
        )
        tx.execute(text("INSERT INTO job_metrics (job_id, metric, value, rows) VALUES ('abcd', 'accuracy', 0.5, 10)"))
    schema_version.upgrade(empty_url)
    with ledger.read() as tx:
        assert "abcd" == tx.scalar(text("SELECT job_id FROM job_progress WHERE purged_at IS NULL AND late IS NULL"))
        history = "SELECT revision, metric, value, status FROM accuracy_history"
        assert (0, "accuracy", 0.5, "partial") == tuple(tx.execute(text(history)).one())
    ledger.close()


def _make_revision(tx: Tx, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["connection"] = tx
    command.upgrade(config, revision)
