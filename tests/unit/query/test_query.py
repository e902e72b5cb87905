"""SQL over views and results: what it reads, what it refuses, how it fails."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from scoring.core.errors import NotFound, StorageFault, UsageError
from scoring.query.engine import Catalog, QueryLimits, run_query
from scoring.query.parameters import NO_PARAMETERS


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
        catalog = Catalog(views={"job_progress": catalog.views["job_progress"]}, models=catalog.models)
    assert expected == ask(catalog, sql)


def test_a_local_variable_is_no_table(catalog: Catalog) -> None:
    """DuckDB's habit of reading Python variables by name is off."""
    stolen = pa.table({"a": [1]})
    assert stolen.num_rows == 1
    with pytest.raises(UsageError, match="no view is called 'stolen'"):
        ask(catalog, "SELECT * FROM stolen")


@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ("SELECT * FROM job_progres", "did you mean job_progress"),
        ("SELEC 1", "character 1"),
        ("", "empty; expected one SELECT"),
        ("-- nothing yet\n;", "empty; expected one SELECT"),
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
