"""SQL over views and results: what it reads, what it refuses, how it fails."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scoring.core.errors import NotFound, StorageFault, UsageError
from scoring.data.row_files import write_template
from scoring.query.engine import Catalog, QueryLimits, lock, run_query
from scoring.query.parameters import NO_PARAMETERS
from scoring.query.relations import FileRows, JobRows

JOBS = pa.table(
    {
        "job_id": ["aaaa1111", "bbbb2222"],
        "finished_at": pa.array([datetime(2024, 5, 1, 12, 30, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
    }
)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Two part files in a folder whose name is full of traps."""
    folder = tmp_path / "day=2024-05-01" / "it's [a] *?"
    folder.mkdir(parents=True)
    for chunk in range(2):
        rows = pa.table({"_row": [2 * chunk, 2 * chunk + 1], "p": [0.25, 0.75]})
        pq.write_table(rows, folder / f"part-{chunk:06d}.parquet")
    return folder


@pytest.fixture
def catalog(output: Path) -> Catalog:
    files = sorted(output.glob("*.parquet"))
    template = write_template(pq.read_schema(files[0]), output.parent)
    rows = FileRows(files=[str(file) for file in files], template=str(template))
    one = JobRows(job_id="aaaa1111", slot=None, version=1, rows=rows)

    def job(reference: str) -> FileRows:
        if reference != "last":
            raise NotFound(f"no job {reference}")
        return rows

    return Catalog(
        views={"job_progress": lambda: JOBS, "job_failures": _never},
        models={"results_My-Churn": lambda: [one], "latest_none": lambda: ()},
        jobs={"results": job},
    )


def _never() -> pa.Table:
    raise AssertionError("a view that the query does not name was loaded")


def ask(
    catalog: Catalog, sql: str, parameters: Mapping[str, object] = NO_PARAMETERS, **limits: Any
) -> list[dict[str, Any]]:
    with run_query(sql, catalog, QueryLimits(**limits), parameters) as rows:
        return [row for batch in rows.batches for row in batch.to_pylist()]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT count(*) AS n FROM job_progress", [{"n": 2}]),
        ("FROM job_progress SELECT job_id LIMIT 1", [{"job_id": "aaaa1111"}]),
        ("SELECT sum(p) AS s FROM results('last')", [{"s": 2.0}]),
        ("SELECT _row FROM results('last')", [{"_row": row} for row in range(4)]),
        ('SELECT job_id, count(*) AS n FROM "results_my-churn" GROUP BY 1', [{"job_id": "aaaa1111", "n": 4}]),
        ("SELECT count(*) AS n FROM latest_none", [{"n": 0}]),
        ("WITH secret AS (SELECT 1 AS a) SELECT a FROM secret;", [{"a": 1}]),
        ("SELECT a.n FROM (SELECT count(*) AS n FROM job_progress) a, range(1)", [{"n": 2}]),
        ("SELECT hour(finished_at) AS h FROM job_progress WHERE finished_at IS NOT NULL", [{"h": 12}]),
        ("SELECT name FROM (SHOW TABLES) WHERE name LIKE 'latest%'", [{"name": "latest_none"}]),
    ],
)
def test_one_select_reads_views_and_results(catalog: Catalog, sql: str, expected: Sequence[object]) -> None:
    """Views, results('JOB') and results_<model> answer like tables, in any folder, in UTC."""
    if "SHOW" in sql:
        catalog = Catalog(views={"job_progress": lambda: JOBS}, models=catalog.models)
    assert expected == ask(catalog, sql)


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
    "value", ["'; DROP TABLE job_progress; --", "aaaa1111' OR '1'='1", "../../etc/passwd", "\x1b[2J", "$job", "%", "\\"]
)
def test_a_parameter_is_a_value(catalog: Catalog, value: str) -> None:
    """No text that is given for `$name` becomes a part of the statement, or of a file's name."""
    sql = "SELECT job_id, $job AS given FROM job_progress WHERE job_id = $job OR job_id = 'aaaa1111'"
    assert [{"job_id": "aaaa1111", "given": value}] == ask(catalog, sql, {"job": value})
    with pytest.raises(NotFound):
        ask(catalog, "SELECT * FROM results($job)", {"job": value})


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT n FROM (SELECT 7::BIGINT AS n) WHERE n = $v", [{"n": 7}]),
        ("SELECT d FROM (SELECT 7.5::DOUBLE AS d) WHERE d > $v", [{"d": 7.5}]),
        ("SELECT t FROM (SELECT '7' AS t) WHERE t = $v", [{"t": "7"}]),
        ("SELECT range AS r FROM range(9) WHERE range > $v::BIGINT LIMIT $v", [{"r": 8}]),
        ("SELECT $v::INTEGER + 1 AS n", [{"n": 8}]),
    ],
)
def test_a_parameter_is_a_text_that_fits_where_it_stands(catalog: Catalog, sql: str, expected: object) -> None:
    """Compared with a number it is that number, with a text that text; elsewhere a cast says what it is."""
    assert expected == ask(catalog, sql, {"v": "7"})


@pytest.mark.parametrize(
    ("sql", "given", "words"),
    [
        ("SELECT $a, $b", {"a": "1"}, ["no value for $b"]),
        ("SELECT $a", {"a": "1", "c": "2", "d": "3"}, ["no use for $c, $d"]),
        ("SELECT $a", {"b": "1"}, ["no value for $a", "no use for $b"]),
        ("SELECT 1", {"b": "1"}, ["no use for $b"]),
        ("SELECT * FROM results($job)", {}, ["no value for $job"]),
    ],
)
def test_parameters_that_do_not_fit_are_all_named(
    catalog: Catalog, sql: str, given: dict[str, object], words: list[str]
) -> None:
    """Missing and unknown ones alike, at once."""
    with pytest.raises(UsageError) as refusal:
        ask(catalog, sql, given)
    assert [] == [word for word in words if word not in refusal.value.message]


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


def test_a_local_variable_is_no_table(catalog: Catalog) -> None:
    """DuckDB's habit of reading Python variables by name is off."""
    stolen = JOBS
    assert stolen.num_rows == 2
    with pytest.raises(UsageError, match="no view is called 'stolen'"):
        ask(catalog, "SELECT * FROM stolen")


@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ("SELECT * FROM job_progres", "did you mean job_progress"),
        ("SELEC 1", "character 1"),
        ("SELECT nope FROM job_progress", "nope"),
        ("SELECT 'a'::INT", "Could not convert"),
        ("SELECT regexp_matches('a', '(')", "missing"),
        ("SELECT (CASE WHEN range = 900000 THEN 'x' ELSE '1' END)::INT FROM range(1000000)", "Could not convert"),
    ],
)
def test_a_wrong_query_says_what_is_wrong(catalog: Catalog, sql: str, word: str) -> None:
    """Whatever is wrong with the query, at bind or in the middle of the rows, is a usage error with DuckDB's reason."""
    with pytest.raises(UsageError, match=word):
        ask(catalog, sql)


def test_an_endless_query_is_stopped(catalog: Catalog) -> None:
    """The time limit ends a statement that would run for hours."""
    with pytest.raises(UsageError, match="stopped"):
        ask(catalog, "SELECT count(*) FROM range(10000000000) a, range(99) b WHERE a.range % 7 = b.range", seconds=0.2)


def test_an_unknown_job_is_not_found(catalog: Catalog) -> None:
    """results() of a job that is not there keeps the ledger's answer."""
    with pytest.raises(NotFound):
        ask(catalog, "SELECT * FROM results('zzzz')")


def test_a_damaged_part_is_named_a_storage_fault(catalog: Catalog, output: Path) -> None:
    """A part file that went bad is no fault of the query."""
    part = output / "part-000001.parquet"
    content = bytearray(part.read_bytes())
    content[4:60] = bytes(56)
    part.write_bytes(content)
    with pytest.raises(StorageFault):
        ask(catalog, "SELECT sum(p), sum(_row) FROM results('last')")


def test_an_error_of_the_reader_stays_its_own(catalog: Catalog) -> None:
    """A full disk while rows are written out is not reported as a wrong query."""
    with pytest.raises(OSError, match="disk full"), run_query("SELECT 1", catalog):
        raise OSError("disk full")
