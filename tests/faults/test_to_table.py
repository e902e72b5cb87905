"""Rows in a Postgres table, exactly once, whatever dies in between."""

from pathlib import Path

import pytest

from tests.faults.tables import TableJob


@pytest.mark.parametrize(
    ("options", "deaths"),
    [
        ((), ("copy:after:1", "complete:after:2", "commit:before:1", "settle:before:1")),
        (("--partition-by", "job"), ("stage:after:1", "copy:before:2", "commit:after:1", "index:after:1")),
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
