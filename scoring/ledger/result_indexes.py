"""Indexes of result tables: built once all rows are in, for a table with indexes takes rows several times slower.

A table that has any index keeps those that it has; nor is one of somebody else's touched.
"""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import exists, select
from sqlalchemy.exc import DBAPIError

from scoring.core.result_table import JOB_ID, PartitionBy, TableName
from scoring.core.states import JobState
from scoring.ledger import result_calls
from scoring.ledger.clock import microseconds
from scoring.ledger.database import Tx
from scoring.ledger.records import Job
from scoring.ledger.result_catalog import find_table
from scoring.ledger.result_sql import LOCK_NOT_AVAILABLE, derived, execute, is_refusal
from scoring.ledger.result_target import relation_of
from scoring.ledger.tables import jobs

INDEXING_SECONDS = 2
BUILD_SECONDS = 6 * 3_600
MEMORY = "256MB"
"""For the sort; the default of 64 MB is made for small machines."""


class Indexed(StrEnum):
    """What came of the wish for indexes."""

    BUILT = "built"
    LEFT = "left"  # not ours to index, indexed already, or in other hands: who writes last, or builds just now
    REFUSED = "refused"  # Postgres cannot index these values; the rows are there all the same


@dataclass(frozen=True, kw_only=True)
class _Plan:
    # The table, or the partition of the job.
    relation: TableName
    # Columns of each index.
    indexes: tuple[tuple[str, ...], ...]


def build_indexes(tx: Tx, job: Job, row: str) -> tuple[Indexed, str]:
    """Index what the job has filled; what came of it, and Postgres's reason where it refuses.

    row: name of the column with the row's position. A table of many jobs is indexed by (job_id, row) and by the job's
    keys, a partition by the keys, or else by `row`. All is built in `tx`: a table has every index or none.
    """
    try:
        with tx.begin_nested():
            plan = _plan(tx, job, row)
            if plan is None or not _build(tx, plan):
                return Indexed.LEFT, ""
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None)
        if state == LOCK_NOT_AVAILABLE:
            return Indexed.LEFT, ""  # somebody writes to it again, and will index it in turn
        if not is_refusal(state):
            raise
        return Indexed.REFUSED, str(error.orig).splitlines()[0]
    return Indexed.BUILT, ""


def _plan(tx: Tx, job: Job, row: str) -> _Plan | None:
    """None where nothing is to be built."""
    table = None if job.result_table is None else TableName.stored(job.result_table)
    found = None if table is None else find_table(tx, table)
    if table is None or found is None:
        return None
    relation = relation_of(table, found, job)
    if _written(tx, job, found.partition_by) or not _wanted(tx, relation):
        return None
    keys = job.options.key
    if found.partition_by is None:
        return _Plan(relation=relation, indexes=((JOB_ID, row), keys) if keys else ((JOB_ID, row),))
    return _Plan(relation=relation, indexes=(keys or (row,),))


def _wanted(tx: Tx, relation: TableName) -> bool:
    found = find_table(tx, relation)
    return found is not None and found.made_here and found.indexes == 0


def _written(tx: Tx, job: Job, partition_by: PartitionBy | None) -> bool:
    """Whether another job still fills the same relation. One that is finalizing does not, and leaves it to us."""
    if partition_by is PartitionBy.JOB:
        return False
    others = [
        jobs.c.result_table == job.result_table,
        jobs.c.job_id != job.id,
        jobs.c.state.in_([JobState.ACCEPTED.value, JobState.RUNNING.value]),
    ]
    if partition_by is PartitionBy.SLOT:
        others.append(jobs.c.slot.is_not_distinct_from(None if job.slot is None else microseconds(job.slot)))
    return bool(tx.scalar(select(exists().where(*others))))


def _build(tx: Tx, plan: _Plan) -> bool:
    """False where another job of the table was faster."""
    settings = {
        # To wait for whoever writes to it. Not at once: an autovacuum gives way after a second.
        "lock_timeout": f"{INDEXING_SECONDS}s",
        "statement_timeout": f"{BUILD_SECONDS}s",
        "maintenance_work_mem": MEMORY,
    }
    for name, value in settings.items():
        execute(tx, f"SET LOCAL {name} = '{value}'")
    names = [derived(plan.relation, f"idx{number}").name for number, _ in enumerate(plan.indexes, start=1)]
    return result_calls.build_indexes(tx, plan.relation, dict(zip(names, plan.indexes, strict=True)))
