"""What the catalog of Postgres knows of a result table."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text

from scoring.core.result_table import CHUNK, JOB_ID, SLOT, PartitionBy, ResultTable, TableColumn, TableName
from scoring.ledger.database import Tx

SLOT_TYPE = "timestamp with time zone"


@dataclass(frozen=True, kw_only=True)
class FoundColumn:
    type: str
    # A row that does not name it is refused.
    required: bool
    # Postgres computes it, and takes no value.
    generated: bool


@dataclass(frozen=True, kw_only=True)
class FoundTable:
    oid: int
    # The table of which it is a partition.
    parent: int | None
    # `relkind` of pg_class: r table, p partitioned table, v view, …
    kind: str
    columns: Mapping[str, FoundColumn]
    # None: not partitioned, or in a way that is not ours; then `partition_key` tells.
    partition_by: PartitionBy | None
    partition_key: str | None
    indexes: int
    # It bears our comment: we build its indexes.
    made_here: bool
    may_insert: bool

    @property
    def has_slot(self) -> bool:
        """The slot of a job is written into it."""
        return SLOT in self.columns and self.columns[SLOT].type == SLOT_TYPE


_TABLE = text(
    "SELECT c.oid, c.relkind, pg_get_partkeydef(c.oid) AS partition_key,"
    " (SELECT i.inhparent FROM pg_inherits i WHERE i.inhrelid = c.oid AND c.relispartition) AS parent,"
    " (SELECT count(*) FROM pg_index i WHERE i.indrelid = c.oid) AS indexes,"
    " coalesce(obj_description(c.oid, 'pg_class') = result_signature(), false) AS made_here,"
    # A producer need not: workers write, and are given the right where the ledger's owner can give it.
    " has_table_privilege(c.oid, 'INSERT') OR EXISTS (SELECT 1 FROM roles r JOIN pg_roles p ON p.rolname = r.role"
    " WHERE r.kind = 'worker' AND has_table_privilege(p.oid, c.oid, 'INSERT')) OR c.relowner ="
    " (SELECT relowner FROM pg_class WHERE oid = CAST('jobs' AS regclass)) AS may_insert"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = :schema AND c.relname = :name"
)

_COLUMNS = text(
    "SELECT attname, format_type(atttypid, atttypmod) AS type, attgenerated <> '' AS generated,"
    " attnotnull AND NOT atthasdef AND attidentity = '' AS required"
    " FROM pg_attribute WHERE attrelid = :oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
)

_KINDS = {"r": "a table", "p": "a partitioned table", "v": "a view", "m": "a materialized view", "f": "a foreign table"}


def find_table(tx: Tx, name: TableName) -> FoundTable | None:
    """None where nothing bears the name."""
    row = tx.execute(_TABLE, {"schema": name.schema, "name": name.name}).one_or_none()
    if row is None:
        return None
    by_key = {f"LIST ({kind.value})": kind for kind in PartitionBy}
    return FoundTable(
        oid=row.oid,
        parent=row.parent,
        kind=row.relkind,
        columns={
            column.attname: FoundColumn(type=column.type, required=column.required, generated=column.generated)
            for column in tx.execute(_COLUMNS, {"oid": row.oid})
        },
        partition_by=by_key.get(row.partition_key),
        partition_key=row.partition_key,
        indexes=row.indexes,
        made_here=row.made_here,
        may_insert=row.may_insert,
    )


_VIEW_ON = text(
    "SELECT count(*) > 0 FROM pg_rewrite r JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid"
    " JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = :schema AND c.relname = :name AND d.refclassid = 'pg_class'::regclass AND d.refobjid = :table"
)


def is_view_on(tx: Tx, name: TableName, table: FoundTable) -> bool:
    """Whether `name` is a view of these rows, whoever wrote it."""
    return bool(tx.scalar(_VIEW_ON, {"schema": name.schema, "name": name.name, "table": table.oid}))


def columns_of(table: ResultTable, partition_by: PartitionBy | None) -> tuple[TableColumn, ...]:
    """All columns of a table as this program makes it."""
    slot = (TableColumn(name=SLOT, type=SLOT_TYPE),) if partition_by is PartitionBy.SLOT else ()
    ids = (TableColumn(name=JOB_ID, type="text"), TableColumn(name=CHUNK, type="integer"))
    return (*ids, *slot, *table.columns)


def differences(found: FoundTable, table: ResultTable) -> list[str]:
    """Everything for which the table cannot take the rows; empty where it can."""
    if found.kind not in "rp":
        return [f"it is {_KINDS.get(found.kind, 'no table')}"]
    wanted = columns_of(table, found.partition_by)
    said = [sentence for column in wanted for sentence in _difference(column, found.columns.get(column.name))]
    names = {column.name for column in wanted} | ({SLOT} if found.has_slot else set())
    said += [
        f"column {name} is NOT NULL without a default"
        for name, column in found.columns.items()
        if column.required and name not in names
    ]
    if found.partition_key and found.partition_by is None:
        said.append(f"it is partitioned by {found.partition_key}, not by LIST (job_id) or LIST (slot)")
    elif table.partition_by not in (None, found.partition_by):
        said.append(f"it is not partitioned by {table.partition_by}")
    if not found.may_insert:
        said.append("the ledger's user may not INSERT into it")
    return said


def _difference(wanted: TableColumn, found: FoundColumn | None) -> list[str]:
    if found is None:
        return [f"column {wanted.name} {wanted.type} is missing"]
    if found.generated:
        return [f"column {wanted.name} is generated"]
    if not _takes(found.type, wanted.type):
        return [f"column {wanted.name} is {found.type}, not {wanted.type}"]
    return []


def _takes(found: str, wanted: str) -> bool:
    """Binary COPY converts nothing; these types have one form."""
    if wanted == "text":
        return found == "text" or found.startswith("character varying")
    return found == wanted or (wanted.startswith("numeric(") and found == "numeric")
