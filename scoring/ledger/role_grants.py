"""The statements that give roles their rights: on the ledger's tables and views, and on result tables."""

from collections.abc import Iterable

from sqlalchemy import select, text

from scoring.core.result_table import TableName
from scoring.ledger import row_locks
from scoring.ledger.database import Tx
from scoring.ledger.reports import VIEWS
from scoring.ledger.result_catalog import find_table
from scoring.ledger.result_sql import execute, qualified, quoted
from scoring.ledger.role_rights import RoleKind, right_on
from scoring.ledger.tables import jobs, metadata, roles

_FUNCTIONS = ("newest_batch(text)", "newest_batch_slot(text)")

_TABLES = (*metadata.tables, "alembic_version")

_THERE = text("SELECT count(*) FROM pg_roles WHERE rolname = :role")

_RIGHTS = text(
    "SELECT pg_has_role(c.relowner, 'USAGE') AS ours, has_schema_privilege(:role, n.oid, 'USAGE') AS sees_schema,"
    " has_table_privilege(:role, c.oid, :right) AS has_it"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = :schema AND c.relname = :name"
)


def renew(tx: Tx) -> None:
    """Give all roles what is theirs in the ledger as it is now; a migration may have made some of it anew."""
    lock(tx)
    for role, kinds in _known(tx).items():
        grant_ledger(tx, role, kinds)


def lock(tx: Tx) -> None:
    """Two grants on one table at once would stumble."""
    row_locks.take(tx, "roles")


def kinds_of(tx: Tx, role: str) -> frozenset[RoleKind]:
    """What the role was made for."""
    return frozenset(map(RoleKind, tx.scalars(select(roles.c.kind).where(roles.c.role == role))))


def grant_ledger(tx: Tx, role: str, kinds: frozenset[RoleKind]) -> None:
    """The views and, for those who write, the tables: exactly what these kinds may do with them."""
    home, grantee = home_of(tx), quoted(role)
    views = ", ".join(f"{home}.{quoted(view)}" for view in VIEWS)
    functions = ", ".join(f"{home}.{function}" for function in _FUNCTIONS)
    execute(tx, f"GRANT USAGE ON SCHEMA {home} TO {grantee}")
    execute(tx, f"GRANT SELECT ON {views} TO {grantee}")
    execute(tx, f"GRANT EXECUTE ON FUNCTION {functions} TO {grantee}")
    if kinds == {RoleKind.READER}:
        return
    tables = ", ".join(f"{home}.{quoted(table)}" for table in _TABLES)
    execute(tx, f"REVOKE ALL ON {tables} FROM {grantee}")
    execute(tx, f"GRANT SELECT ON {tables} TO {grantee}")
    for table in _TABLES:
        if rights := _named(table, kinds):
            execute(tx, f"GRANT {rights} ON {home}.{quoted(table)} TO {grantee}")


def grant_table(tx: Tx, table: TableName, relation: TableName) -> None:
    """Let the roles have what is theirs of a new result table, and of `relation`, its partition or itself."""
    for role, kinds in _known(tx).items():
        grant_result(tx, role, kinds, (table, relation))


def grant_result(tx: Tx, role: str, kinds: Iterable[RoleKind], tables: Iterable[TableName]) -> None:
    """Readers see the first of `tables` and the view of its newest batch; workers may add rows to all of them."""
    tables = tuple(tables)
    if RoleKind.READER in kinds:
        for relation in (tables[0], tables[0].latest):
            _grant_missing(tx, role, relation, "SELECT")
    if RoleKind.WORKER in kinds:
        for relation in dict.fromkeys(tables):
            _grant_missing(tx, role, relation, "INSERT")


def result_tables(tx: Tx) -> list[TableName]:
    """Those of jobs that are still there."""
    named = select(jobs.c.result_table).where(jobs.c.result_table.is_not(None)).distinct()
    tables = [TableName.stored(name) for name in sorted(tx.scalars(named))]
    return [table for table in tables if find_table(tx, table) is not None]


def home_of(tx: Tx) -> str:
    """The ledger's schema, quoted."""
    return quoted(str(tx.scalar(text("SELECT current_schema()"))))


def _grant_missing(tx: Tx, role: str, relation: TableName, right: str) -> None:
    """Only what is ours to give and not given yet: two submits that grant the same at once would stumble."""
    values = {"role": role, "schema": relation.schema, "name": relation.name, "right": right}
    found = tx.execute(_RIGHTS, values).one_or_none()
    if found is None or not found.ours:
        return
    if not found.sees_schema:
        execute(tx, f"GRANT USAGE ON SCHEMA {quoted(relation.schema)} TO {quoted(role)}")
    if not found.has_it:
        execute(tx, f"GRANT {right} ON {qualified(relation)} TO {quoted(role)}")


def _named(table: str, kinds: frozenset[RoleKind]) -> str:
    right = right_on(table, kinds)
    words = [word for word, given in (("INSERT", right.insert), ("DELETE", right.delete)) if given]
    if right.update:
        words.append(f"UPDATE ({', '.join(map(quoted, right.update))})")
    return ", ".join(words)


def _known(tx: Tx) -> dict[str, frozenset[RoleKind]]:
    """Roles that were made for the ledger and are still there."""
    names = tx.scalars(select(roles.c.role).distinct().order_by(roles.c.role)).all()
    return {name: kinds_of(tx, name) for name in names if tx.scalar(_THERE, {"role": name})}
