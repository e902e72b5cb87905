"""Tables in Postgres that get the rows of jobs: found, made, given a partition and a view, emptied again.

A table belongs to its users: it is created where it is missing, checked where it is there, never altered.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exists, select, text
from sqlalchemy.exc import DBAPIError

from scoring.core.errors import OutputRefused, UsageError
from scoring.core.result_table import JOB_ID, PartitionBy, ResultTable, TableName
from scoring.ledger import result_calls
from scoring.ledger.clock import microseconds
from scoring.ledger.database import Tx
from scoring.ledger.records import Job
from scoring.ledger.reports import VIEWS
from scoring.ledger.result_catalog import FoundTable, columns_of, differences, find_table, is_view_on
from scoring.ledger.result_sql import (
    LOCK_NOT_AVAILABLE,
    execute,
    literal,
    lock_making,
    partition_name,
    qualified,
    refusing,
)
from scoring.ledger.result_target import pin
from scoring.ledger.tables import jobs, metadata

DELETE_SECONDS = 3_600
"""A table without partitions is emptied row by row."""

DROP_SECONDS = 2
"""To wait for readers of a table: whoever comes meanwhile waits as well, behind the drop of a partition."""

_OWN_NAMES = frozenset({*metadata.tables, *VIEWS, "alembic_version"})


def resolve(tx: Tx, written: str) -> TableName:
    """`[SCHEMA.]NAME` as a user writes it → the table that it names.

    Raises UsageError where the ledger is not Postgres, or the name cannot be that of a result table.
    """
    if tx.dialect.name != "postgresql":
        raise UsageError(
            "--to-table",
            expected="a ledger in Postgres: the table lies beside it",
            got="an embedded ledger",
            remedy="set SCORING_DATABASE_URL to postgresql+psycopg://…",
        )
    home = str(tx.scalar(text("SELECT current_schema()")))
    name = TableName.parse(written, schema=home)
    if name.schema == home and name.name in _OWN_NAMES:
        raise UsageError("--to-table", expected="a name of your own", got=str(name), remedy="choose another name")
    return name


def check(tx: Tx, table: ResultTable) -> FoundTable | None:
    """The table as it is, None where it is still to be made. Raises OutputRefused, naming every difference at once."""
    found, view = find_table(tx, table.name), table.name.latest
    said = [] if found is None else differences(found, table)
    if find_table(tx, view) is not None and (found is None or not is_view_on(tx, view, found)):
        said.append(f"{view}, the view of its newest batch, is something else already")
    if said:
        raise OutputRefused(
            f"the table {table.name} cannot take the rows",
            expected="the columns of the result, with job_id text and chunk integer",
            got="; ".join(said),
            remedy="alter what is in the way, or name another table",
        )
    return found


def make_ready(tx: Tx, table: ResultTable, job: Job) -> None:
    """Create the table, its view and the partition of the job where they are missing, and pin what takes its rows.

    Two submits at once: one waits, and finds what it needs. Raises OutputRefused.
    """
    lock_making(tx, table.name)
    with refusing(f"make the table {table.name} ready"):
        found = check(tx, table)
        if found is None:
            _create(tx, table)
        partition_by = table.partition_by if found is None else found.partition_by
        into = table.name if partition_by is None else _attach(tx, table.name, partition_by, job)
        if find_table(tx, table.name.latest) is None and result_calls.has_room(tx, table.name.schema):
            result_calls.make_view(tx, table.name, by_slot=partition_by is PartitionBy.SLOT)
        result_calls.share(tx, table.name, into)
    pin(tx, job)


def drop_rows(tx: Tx, job: Job) -> None:
    """Take the rows of `job` out of its table: by dropping its partition, where it has one for itself.

    Nothing happens where the job has no table, or the table is gone. Raises OutputRefused where Postgres forbids it, or
    somebody reads the table.
    """
    if job.result_table is None:
        return
    name = TableName.stored(job.result_table)
    found = find_table(tx, name)
    if found is None:
        return
    execute(tx, f"SET LOCAL lock_timeout = '{DROP_SECONDS}s'")
    with _unread(name, job), refusing(f"take the rows of job {job.id} out of {name}"):
        partition = _own_partition(tx, name, found.partition_by, job)
        if partition is not None:
            execute(tx, f"DROP TABLE {qualified(partition)}")
        else:
            execute(tx, f"SET LOCAL statement_timeout = '{DELETE_SECONDS}s'")
            execute(tx, f"DELETE FROM {qualified(name)} WHERE {JOB_ID} = {literal(job.id)}")


@contextmanager
def _unread(name: TableName, job: Job) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        raise OutputRefused(
            f"the rows of job {job.id} stay in {name}",
            expected="a table that nobody reads for a moment",
            got="an open transaction",
            remedy="tried again next time; `select pid, usename, query from pg_stat_activity` names who reads",
        ) from error


def _create(tx: Tx, table: ResultTable) -> None:
    columns = {column.name: column.type for column in columns_of(table, table.partition_by)}
    result_calls.make_table(tx, table.name, columns, table.partition_by)


def _attach(tx: Tx, name: TableName, by: PartitionBy, job: Job) -> TableName:
    """The partition of the job, which may be that of an earlier job of the slot."""
    partition = partition_name(name, by, job.id, job.slot)
    if find_table(tx, partition) is None:
        slot = None if job.slot is None else job.slot.isoformat()
        result_calls.make_partition(tx, name, partition, job.id if by is PartitionBy.JOB else slot)
    return partition


def _own_partition(tx: Tx, name: TableName, by: PartitionBy | None, job: Job) -> TableName | None:
    """The partition that holds rows of the job and of no other."""
    if by is None or (by is PartitionBy.SLOT and _slot_is_shared(tx, job)):
        return None
    partition = partition_name(name, by, job.id, job.slot)
    return None if find_table(tx, partition) is None else partition


def _slot_is_shared(tx: Tx, job: Job) -> bool:
    slot = None if job.slot is None else microseconds(job.slot)
    others = exists().where(
        jobs.c.result_table == job.result_table,
        jobs.c.slot.is_not_distinct_from(slot),
        jobs.c.job_id != job.id,
        jobs.c.purged_at.is_(None),
    )
    return bool(tx.scalar(select(others)))
