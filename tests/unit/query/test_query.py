"""SQL over views and results: what it reads, what it refuses, how it fails."""

from collections.abc import Sequence
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


def ask(catalog: Catalog, sql: str, **limits: Any) -> list[dict[str, Any]]:
    with run_query(sql, catalog, QueryLimits(**limits)) as rows:
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
    "SELECT * FROM json_execute_serialized_sql('{{}}')",
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
    "",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_everything_but_reading_is_refused(catalog: Catalog, output: Path, attack: str) -> None:
    """A statement that writes, waits, opens a file or names a foreign thing exits 2 and leaves no file behind."""
    before = sorted(output.iterdir())
    with pytest.raises(UsageError) as refusal:
        ask(catalog, attack.format(folder=str(output).replace("'", "''")))
    assert refusal.value.exit_code == 2
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
