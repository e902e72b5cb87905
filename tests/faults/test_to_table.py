"""Rows in a Postgres table, exactly once, whatever dies in between."""

from pathlib import Path

import psycopg
import pytest

from tests.faults.tables import TableJob
from tests.servers.postgres import plain


@pytest.mark.parametrize(
    ("options", "deaths"),
    [
        ((), ("stage:after:1", "copy:after:1", "commit:before:1", "settle:before:1")),
        (("--partition-by", "job"), ("copy:before:2", "complete:after:1", "commit:after:1", "index:after:1")),
    ],
    ids=["table", "partition"],
)
def test_a_process_that_dies_at_any_step_doubles_and_loses_no_row(
    options: tuple[str, ...], deaths: tuple[str, ...], tmp_path: Path, postgres_url: str
) -> None:
    """kill -9 in the COPY, before and after the commit, at the end: the table holds what the part files hold."""
    job = TableJob.submit(tmp_path, postgres_url, rows=6_000, chunk_rows=500, options=options)
    assert len(deaths) == job.survive(*deaths)
    job.check()


SLOW = """
CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.1); RETURN NEW; END $$;
CREATE TRIGGER slow BEFORE INSERT ON scores FOR EACH ROW EXECUTE FUNCTION wait();
"""


@pytest.mark.exhaustive
def test_a_table_that_is_slower_than_a_lease_costs_no_attempt(tmp_path: Path, postgres_url: str) -> None:
    """The heartbeat goes on while the rows go in: a chunk takes 3 s, a lease 2 s."""
    job = TableJob.submit(tmp_path, postgres_url, rows=30, chunk_rows=30)
    with psycopg.connect(plain(postgres_url)) as connection:
        connection.execute(SLOW)
    job.program("resume", job.job_id)
    job.check()
    assert [] == job.program.json("failures", job.job_id)["attempts"]
