"""Indexes of result tables: built once all rows are in, for a table with indexes takes rows several times slower.

A table that has any index keeps those that it has; nor is one of somebody else's touched.
"""

from collections.abc import Sequence
from enum import StrEnum

from sqlalchemy import exists, select
from sqlalchemy.exc import DBAPIError

from scoring.core.result_table import JOB_ID, PartitionBy, TableName
from scoring.core.states import JobState
from scoring.ledger.database import Tx
from scoring.ledger.records import Job
from scoring.ledger.result_catalog import FoundTable, find_table
from scoring.ledger.result_copy import target_of
from scoring.ledger.result_sql import derived, execute, is_refusal, lock_table_name, qualified, quoted
from scoring.ledger.tables import jobs

BUILD_SECONDS = 6 * 3_600
MEMORY = "256MB"
"""For the sort; the default of 64 MB is made for small machines."""

_LOCK_NOT_AVAILABLE = "55P03"


class Indexed(StrEnum):
    """What came of the wish for indexes."""

    BUILT = "built"
    LEFT = "left"  # not ours to index, indexed already, or still written to: the last writer builds
    REFUSED = "refused"  # Postgres cannot index these values; the rows are there all the same


def build_indexes(tx: Tx, job: Job, row: str) -> tuple[Indexed, str]:
    """Index what the job has filled, and say what came of it. To be done again after any interruption.

    row: name of the column with the row's position. For a table of many jobs: (job_id, row), and the job's keys; for a
    partition the keys, or else `row`. All of them are built in `tx`, so that a table has all or none.
    """
    if job.result_table is None:
        return Indexed.LEFT, ""
    table = TableName.stored(job.result_table)
    lock_table_name(tx, table)
    found = find_table(tx, table)
    if found is None:
        return Indexed.LEFT, ""
    relation = target_of(tx, table, job).relation
    if not _wanted(find_table(tx, relation)) or _written(tx, job, found.partition_by):
        return Indexed.LEFT, ""
    keys = job.options.key
    plans = [keys or (row,)] if found.partition_by else [(JOB_ID, row), *([keys] if keys else [])]
    try:
        with tx.begin_nested():
            _build(tx, relation, plans)
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None)
        if state == _LOCK_NOT_AVAILABLE:
            return Indexed.LEFT, ""  # somebody writes to it again, and will index it in turn
        if not is_refusal(state):
            raise
        return Indexed.REFUSED, str(error.orig).splitlines()[0]
    return Indexed.BUILT, ""


def _wanted(found: FoundTable | None) -> bool:
    return found is not None and found.made_here and found.indexes == 0


def _written(tx: Tx, job: Job, partition_by: PartitionBy | None) -> bool:
    """Whether another job still fills the same table. One that is finalizing does not, and waits for our lock."""
    if partition_by is PartitionBy.JOB:
        return False
    others = exists().where(
        jobs.c.result_table == job.result_table,
        jobs.c.job_id != job.id,
        jobs.c.state.in_([JobState.ACCEPTED.value, JobState.RUNNING.value]),
    )
    return bool(tx.scalar(select(others)))


def _build(tx: Tx, relation: TableName, plans: Sequence[Sequence[str]]) -> None:
    for setting in (f"statement_timeout = '{BUILD_SECONDS}s'", f"maintenance_work_mem = '{MEMORY}'"):
        execute(tx, f"SET LOCAL {setting}")
    for number, columns in enumerate(plans, start=1):
        name = quoted(derived(relation, f"idx{number}").name)
        listed = ", ".join(quoted(column) for column in columns)
        execute(tx, f"CREATE INDEX IF NOT EXISTS {name} ON {qualified(relation)} ({listed})")
    execute(tx, f"ANALYZE {qualified(relation)}")
