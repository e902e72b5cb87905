"""`--to-table` and `db reader`, as a person types them."""

from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from scoring.ledger import schema_version
from tests.acceptance.conftest import WriteRows
from tests.acceptance.program import Program
from tests.servers.postgres import plain


@pytest.fixture
def deployed(tmp_path: Path, postgres_url: str) -> Program:
    """A Postgres ledger, and no broker: `scoring run` works here."""
    schema_version.upgrade(postgres_url)
    return Program(tmp_path, {"SCORING_DATABASE_URL": postgres_url})


def ask(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(plain(url)) as connection:
        return connection.cursor(binary=True).execute(query).fetchall()


def test_the_table_holds_what_the_part_files_hold(
    deployed: Program, model: Path, write_rows: WriteRows, tmp_path: Path, postgres_url: str
) -> None:
    """Names, types and values, from CSV with a reject; the view shows one batch; an audit finds what was changed."""
    source = write_rows("rows.csv", 900)
    source.write_text(source.read_text().replace('"c0000007",', '"c0000007",x', 1))
    wanted = ("--key", "id", "--label", "churned", "--chunk-rows", 200, "--to-table", "Scores")
    deployed("run", model, source, *wanted, "-o", "one")
    second = deployed("run", model, source, *wanted, "-o", "two")
    assert "public.scores has 2 indexes" in second.stderr
    written = ds.dataset(sorted((tmp_path / "two").glob("part-*.parquet"))).to_table()
    assert 899 == written.num_rows
    names = ", ".join(f'"{name}"' for name in written.column_names)
    stored = ask(postgres_url, f"SELECT {names} FROM latest_scores ORDER BY _row")
    assert list(zip(*(column.to_pylist() for column in written.columns), strict=True)) == stored
    assert [(2, 1_798)] == ask(postgres_url, "SELECT count(DISTINCT job_id), count(*) FROM scores")
    assert "public.scores" == deployed.json("status", "last")["result_table"]
    whole = "public.scores holds the 899 rows, each of them once, with the values of the parts"
    assert whole in deployed("audit", "last").stdout
    with psycopg.connect(plain(postgres_url)) as connection:
        connection.execute("DELETE FROM latest_scores WHERE _row = 5")
        connection.execute("UPDATE latest_scores SET _row = 900 WHERE _row = 201")
    harmed = deployed("audit", "last", code=1).stdout
    assert "FAILED   table: rows of chunk 0: expected 199, got 198; rows of chunk 1: their values are not" in harmed


def test_a_row_that_postgres_does_not_take_fails_the_job_in_words(
    deployed: Program, model: Path, tmp_path: Path, postgres_url: str
) -> None:
    """The good chunks' rows stay in the table, and none of the bad one."""
    table = pa.table({"id": ["a", "b\0", "c"], "age": pa.array([1, 2, 3], pa.float32()), "plan": ["free"] * 3})
    pq.write_table(table, tmp_path / "rows.parquet")
    failed = deployed("run", model, "rows.parquet", "--key", "id", "--chunk-rows", 1, "--to-table", "scores", code=1)
    assert "chunks failed: 1" in failed.stderr
    (attempt,) = deployed.json("failures", "last")["attempts"]
    assert "table_refused" == attempt["error_code"]
    assert "column id" in attempt["error"]
    assert [("a",), ("c",)] == ask(postgres_url, "SELECT id FROM scores ORDER BY 1")
    assert [] == ask(postgres_url, "SELECT id FROM latest_scores")


def test_what_no_table_can_hold_is_refused_before_a_row_is_scored(
    deployed: Program, model: Path, write_rows: WriteRows, postgres_url: str
) -> None:
    """A table that does not fit (4), by plan too; a name of the ledger's (2)."""
    source = write_rows("rows.parquet", 10)
    with psycopg.connect(plain(postgres_url), autocommit=True) as connection:
        connection.execute("CREATE TABLE scores (job_id uuid, label bigint)")
    for command in ("run", "plan"):
        refused = deployed(command, model, source, "--to-table", "scores", code=4)
        assert "job_id is uuid, not text; column chunk integer is missing" in refused.stderr
    assert "--to-table" in deployed("run", model, source, "--to-table", "job_progress", code=2).stderr
    assert [] == deployed.json("jobs")


def test_an_embedded_ledger_is_told_what_it_lacks(program: Program, model: Path, write_rows: WriteRows) -> None:
    """Both the option and the command name the setting (2)."""
    source = write_rows("rows.parquet", 10)
    for command in (("run", model, source, "--to-table", "scores"), ("db", "reader", "analyst")):
        assert "SCORING_DATABASE_URL" in program(*command, code=2).stderr


def test_a_reader_is_made(deployed: Program, postgres_url: str) -> None:
    """Said on stderr, or as JSON."""
    role = f"reader_of_{postgres_url.rpartition('/')[2]}"
    assert "cannot log in" in deployed("db", "reader", role).stderr
    assert (role, False, []) == tuple(
        deployed.json("db", "reader", role)[name] for name in ("role", "created", "tables")
    )
    with psycopg.connect(plain(postgres_url), autocommit=True) as connection:
        connection.execute(f"DROP OWNED BY {role}")
        connection.execute(f"DROP ROLE {role}")
