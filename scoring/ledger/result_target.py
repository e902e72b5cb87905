"""Where the rows of a job go, and whether that is still what it was at submit.

A table that was dropped and made again lacks the chunks committed before, and no later chunk brings them back.
"""

from dataclasses import dataclass

from sqlalchemy import update

from scoring.core.errors import OutputRefused, TableRefused
from scoring.core.result_table import TableName
from scoring.ledger.database import Tx
from scoring.ledger.records import Job
from scoring.ledger.result_catalog import FoundTable, find_table
from scoring.ledger.result_sql import partition_name
from scoring.ledger.tables import jobs

_AGAIN = "submit it again with --overwrite or another --output"


@dataclass(frozen=True, kw_only=True)
class Target:
    """The relation that takes the rows of a job."""

    # The result table, as the user knows it.
    table: TableName
    # The partition of the job, or of its slot; the table itself where it has none.
    relation: TableName
    # Of `relation`.
    oid: int
    with_slot: bool


def pin(tx: Tx, job: Job) -> None:
    """Remember which relation takes the rows, so that no other one of its name ever does."""
    target, fault = _find(tx, job)
    if target is None:
        raise OutputRefused(
            f"the table {job.result_table} cannot take the rows", expected="its partition", got=fault, remedy=_RENAME
        )
    tx.execute(update(jobs).where(jobs.c.job_id == job.id).values(result_oid=target.oid))


_RENAME = "rename what bears the name, or name another table"


def target_of(tx: Tx, job: Job) -> Target:
    """Raises TableRefused where it is gone, or another than at submit."""
    target, fault = _find(tx, job)
    if target is None or target.oid != job.result_oid:
        raise TableRefused(
            f"the table {job.result_table} has lost rows of the job",
            expected="the table, with its partition, that was there at submit",
            got=fault or "one that was made since",
            remedy=f"no retry brings them back: {_AGAIN}",
        )
    return target


def require_whole(tx: Tx, job: Job) -> None:
    """Raises OutputRefused where the job has a table that no further attempt can make whole."""
    if job.result_table is None:
        return
    try:
        target_of(tx, job)
    except TableRefused as refused:
        raise OutputRefused(
            f"job {job.id} cannot be retried: {refused.message}",
            expected=refused.expected,
            got=refused.got,
            remedy=_AGAIN,
        ) from refused


def _find(tx: Tx, job: Job) -> tuple[Target | None, str]:
    """What takes the rows now; or why nothing does."""
    table = TableName.stored(str(job.result_table))
    found = find_table(tx, table)
    if found is None:
        return None, "no such table"
    name = relation_of(table, found, job)
    relation = found if name == table else find_table(tx, name)
    if relation is None or (name != table and relation.parent != found.oid):
        return None, f"no partition {name}" if relation is None else f"{name} is no partition of it"
    return Target(table=table, relation=name, oid=relation.oid, with_slot=found.has_slot), ""


def relation_of(table: TableName, found: FoundTable, job: Job) -> TableName:
    """The partition of the job, or the table: straight into a partition, no row takes a lock on the table."""
    if found.partition_by is None:
        return table
    return partition_name(table, found.partition_by, job.id, job.slot)
