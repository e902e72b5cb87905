"""Statements that try to do anything but read: each is refused in one line, and touches nothing."""

from pathlib import Path

import duckdb
import pytest

from scoring.core.errors import UsageError
from scoring.query.engine import Catalog, QueryLimits, lock
from tests.unit.query.test_query import ask

ATTACKS = [
    "DROP TABLE job_progress",
    "SELECT 1; DROP TABLE job_progress",
    "SELECT 1; SELECT 2",
    "WITH x AS (INSERT INTO job_progress VALUES ('a') RETURNING *) SELECT * FROM x",
    "WITH x AS (DELETE FROM job_progress RETURNING *) SELECT * FROM x",
    "COPY job_progress TO '{folder}/stolen.csv'",
    "COPY (SELECT 1) TO '{folder}/stolen.parquet'",
    "ATTACH '{folder}/x.db'",
    "INSTALL httpfs",
    "LOAD '{folder}/x.duckdb_extension'",
    "SET enable_external_access = true",
    "RESET lock_configuration",
    "PRAGMA database_list",
    "CALL pragma_version()",
    "EXPLAIN ANALYZE SELECT 1",
    "CREATE TABLE t AS SELECT 1",
    "EXPORT DATABASE '{folder}/export'",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM '{folder}/part-000000.parquet'",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_parquet('{folder}/*.parquet')",
    "SELECT * FROM main.read_csv('/etc/passwd')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query_table('job_progress')",
    "SELECT * FROM json_execute_serialized_sql('{}')",
    "SELECT * FROM python_map_function(1)",
    "SELECT * FROM arrow_scan(1::BIGINT, 1::BIGINT, 1::BIGINT)",
    "SELECT * FROM enable_logging(storage_path := '{folder}/log')",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM pg_catalog.pg_tables",
    "SELECT * FROM information_schema.tables",
    "SELECT (SELECT max(content) FROM read_text('/etc/passwd'))",
    "SELECT * FROM job_progress WHERE job_id IN (SELECT filename FROM glob('/*'))",
    "SELECT sleep_ms(100000)",
    "SELECT pg_sleep(100)",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT * FROM dblink('host=x', 'SELECT 1')",
    "SET ROLE postgres",
    "SELECT pg_terminate_backend(1)",
    "SELECT getenv('HOME')",
    "SELECT * FROM results('la' || 'st')",
    "SELECT * FROM results((SELECT 'last'))",
    "SELECT * FROM results('last', 'last')",
    "COPY (SELECT 1) TO PROGRAM 'touch {folder}/stolen'",
    "COPY job_progress FROM '{folder}/part-000000.parquet'",
    "IMPORT DATABASE '{folder}'",
    "USE system",
    "BEGIN; COMMIT",
    "COPY (SELECT 1) TO '{folder}/part-000000.parquet' (USE_TMP_FILE false)",
    "CREATE MACRO m() AS 1",
    "CREATE TEMP VIEW v AS SELECT 1",
    "PREPARE p AS SELECT 1",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_csv_auto('/etc/passwd')",
    "SELECT * FROM read_json('/etc/passwd')",
    "SELECT * FROM read_blob('/etc/passwd')",
    "SELECT * FROM parquet_scan('{folder}/*.parquet')",
    "SELECT * FROM parquet_metadata('{folder}/*.parquet')",
    "SELECT * FROM parquet_kv_metadata('{folder}/*.parquet')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM read_duckdb('{folder}/x.db')",
    "SELECT * FROM postgres_scan('host=x', 'public', 'jobs')",
    "SELECT * FROM sqlite_scan('{folder}/ledger.db', 'jobs')",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM duckdb_views()",
    "SELECT * FROM duckdb_logs()",
    "SELECT * FROM which_secret('s3://x', 's3')",
    "SELECT * FROM seq_scan('job_progress')",
    "SELECT * FROM sqlite_master",
    "SELECT * FROM system.main.job_progress",
    'SELECT * FROM "results:last"',
    'SELECT * FROM "results_my-churn:0"',
    "SELECT current_setting('temp_directory')",
    "SELECT getvariable('x')",
    "SELECT nextval('s')",
    "SELECT write_log('x')",
    "SELECT lo_export(1, '{folder}/stolen')",
    "FROM (FROM read_text('/etc/passwd'))",
    "SELECT * FROM job_progress, LATERAL (SELECT * FROM glob(job_id))",
    "SELECT [x FOR x IN (SELECT content FROM read_text('/etc/passwd'))]",
    "WITH job_progress AS (SELECT * FROM read_text('/etc/passwd')) SELECT * FROM job_progress",
    "PIVOT (FROM glob('/*')) ON file",
    "DESCRIBE '/etc/passwd'",
    "SUMMARIZE read_text('/etc/passwd')",
    "SELECT 1\0; DROP TABLE job_progress",
    f"SELECT '{'x' * 10_000_000}'",
    "SELECT x" + ".a" * 20_000,
    "SELECT " + "(" * 20_000 + "1" + ")" * 20_000,
    "SELECT " + "[" * 20_000 + "]" * 20_000,
    "FROM " + "(FROM " * 10_000 + "job_progress" + ")" * 10_000,
    "SELECT * FROM job_progress" + ", job_progress" * 6_000,
    "SELECT " + "NOT " * 20_000 + "true",
    "DESCRIBE " * 10_000 + "SELECT 1",
]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: f"{attack[:40]} {len(attack)}".replace("\0", ""))
def test_everything_but_reading_is_refused(catalog: Catalog, output: Path, attack: str) -> None:
    """A statement that writes, waits, opens a file or names a foreign thing exits 2 and leaves no file behind."""
    before = sorted(output.iterdir())
    with pytest.raises(UsageError) as refusal:
        ask(catalog, attack.replace("{folder}", str(output).replace("'", "''")))
    assert refusal.value.exit_code == 2
    assert 1 == len(refusal.value.message.splitlines())
    assert before == sorted(output.iterdir())


@pytest.mark.parametrize(
    "attack",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "COPY (SELECT 1) TO '{folder}/stolen.csv'",
        "ATTACH '{folder}/x.db'",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "LOAD httpfs",
    ],
)
def test_the_second_fence_holds_without_the_first(tmp_path: Path, attack: str) -> None:
    """A locked connection opens no file and changes no setting, whatever statement reaches it."""
    connection = duckdb.connect(":memory:")
    lock(connection, QueryLimits())
    with pytest.raises(duckdb.Error):
        connection.execute(attack.format(folder=tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_the_second_fence_opens_the_files_that_were_handed_in_alone(output: Path) -> None:
    """Of a locked connection one part can be read, and the one beside it neither read nor written."""
    connection = duckdb.connect(":memory:")
    given, other = sorted(map(str, output.glob("*.parquet")))
    lock(connection, QueryLimits(), [given])
    assert [(2,)] == connection.execute("SELECT count(*) FROM read_parquet(?)", [given]).fetchall()
    for sql in ("FROM read_parquet('{0}')", "FROM read_text('{0}')", "COPY (SELECT 1) TO '{0}' (USE_TMP_FILE false)"):
        with pytest.raises(duckdb.Error, match="Cannot access"):
            connection.execute(sql.format(other.replace("'", "''")))


@pytest.mark.parametrize(
    "bomb",
    [
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t",
        "SELECT sum(n * m) FROM generate_series(1, 10000000) a(n), range(10000000) b(m)",
        "WITH RECURSIVE t(s) AS (SELECT 'x' UNION ALL SELECT s || 'x' FROM t) SELECT max(s) FROM t",
    ],
)
def test_a_bomb_ends_with_its_time(catalog: Catalog, bomb: str) -> None:
    """Whatever is built, the limit stops it."""
    with pytest.raises(UsageError, match="stopped"):
        ask(catalog, bomb, seconds=0.3)


def test_a_query_that_wants_too_much_memory_says_so(catalog: Catalog) -> None:
    """Without a folder to spill to, the limit of the memory is an answer in words."""
    with pytest.raises(UsageError, match="more memory"):
        ask(catalog, "SELECT list(range) FROM range(100000000)", memory="64MB")


def test_a_large_query_spills_to_its_folder(catalog: Catalog, tmp_path: Path) -> None:
    """What does not fit into memory goes to the folder that was given, and the answer is right."""
    sql = "SELECT count(*) AS n FROM (SELECT range, md5(range::VARCHAR) AS m FROM range(600000) ORDER BY m OFFSET 1)"
    (tmp_path / "spill").mkdir()
    assert [{"n": 599_999}] == ask(catalog, sql, memory="64MB", spill=tmp_path / "spill")
