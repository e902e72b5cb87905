"""What is done about result tables as the ledger's owner, by functions that roles which own nothing may call.

`migrations/sql/0004_functions.sql` says who may have what made.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import JSON, bindparam, text

from scoring.core.result_table import PartitionBy, TableName
from scoring.ledger.database import Tx

_TABLE = text("SELECT make_result_table(:place, :name, :columns, :types, :by)")
_PARTITION = text("SELECT make_result_partition(:place, :name, :partition, :value)")
_VIEW = text("SELECT make_result_view(:place, :name, :by_slot)")
_ROOM = text("SELECT may_make_result_in(:place)")
_SHARE = text("SELECT share_result_table(:place, :name, :partition)")
_INDEX = text("SELECT index_result_table(:place, :name, :indexes)").bindparams(bindparam("indexes", type_=JSON))


def make_table(tx: Tx, table: TableName, columns: Mapping[str, str], by: PartitionBy | None) -> None:
    """columns: name → type. No row may lack `job_id`, `chunk` and `_row`."""
    values = {"columns": list(columns), "types": list(columns.values()), "by": None if by is None else by.value}
    tx.execute(_TABLE, {**_named(table), **values})


def make_partition(tx: Tx, table: TableName, partition: TableName, value: str | None) -> None:
    """value: the job's id, or the slot in ISO 8601; None: jobs without a slot."""
    tx.execute(_PARTITION, {**_named(table), "partition": partition.name, "value": value})


def make_view(tx: Tx, table: TableName, *, by_slot: bool) -> None:
    """The view of the newest batch."""
    tx.execute(_VIEW, {**_named(table), "by_slot": by_slot})


def has_room(tx: Tx, schema: str) -> bool:
    """Whether tables and views may be made there. Somebody else's schema may have a table for us, and no more."""
    return bool(tx.scalar(_ROOM, {"place": schema}))


def share(tx: Tx, table: TableName, partition: TableName) -> None:
    """Let the ledger's roles have what is theirs of a table, and of a partition of it (or itself)."""
    tx.execute(_SHARE, {**_named(table), "partition": partition.name})


def build_indexes(tx: Tx, relation: TableName, indexes: Mapping[str, Sequence[str]]) -> bool:
    """indexes: name → columns. False where it has some, or is not signed by this program."""
    listed = [{"name": name, "columns": list(columns)} for name, columns in indexes.items()]
    return bool(tx.scalar(_INDEX, {**_named(relation), "indexes": listed}))


def _named(table: TableName) -> dict[str, object]:
    return {"place": table.schema, "name": table.name}
