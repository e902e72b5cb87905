"""The statements that give roles their rights: on the ledger's tables and views, and on result tables."""

from sqlalchemy import select, text

from scoring.core.result_table import TableName
from scoring.ledger import result_calls, row_locks
from scoring.ledger.database import Tx
from scoring.ledger.reports import VIEWS
from scoring.ledger.result_catalog import find_table
from scoring.ledger.result_sql import execute, qualified, quoted
from scoring.ledger.role_rights import RoleKind, right_on
from scoring.ledger.tables import jobs, metadata, roles

_FUNCTIONS = ("newest_batch(text)", "newest_batch_slot(text)")

_TABLES = (*metadata.tables, "alembic_version")

_THERE = text("SELECT count(*) FROM pg_roles WHERE rolname = :role")

_PARTITIONS = text(
    "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
    " WHERE i.inhparent = CAST(:table AS regclass) AND c.relnamespace ="
    " (SELECT relnamespace FROM pg_class WHERE oid = i.inhparent)"
)

_RESULT_FUNCTIONS = {
    RoleKind.READER: (),
    RoleKind.PRODUCER: (
        "may_make_result_in(text)",
        "result_signature()",
        "make_result_table(text, text, text[], text[], text)",
        "make_result_partition(text, text, text, text)",
        "make_result_view(text, text, boolean)",
        "share_result_table(text, text, text)",
    ),
    RoleKind.WORKER: ("result_signature()", "index_result_table(text, text, json)"),
}


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
    called = (*_FUNCTIONS, *(function for kind in sorted(kinds) for function in _RESULT_FUNCTIONS[kind]))
    functions = ", ".join(f"{home}.{function}" for function in called)
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


def share_results(tx: Tx) -> list[TableName]:
    """Let all roles have what is theirs of the result tables that are there; returns these."""
    tables = _result_tables(tx)
    for table in tables:
        result_calls.share(tx, table, table)
        for name in tx.scalars(_PARTITIONS, {"table": qualified(table)}):
            result_calls.share(tx, table, TableName(schema=table.schema, name=name))
    return tables


def _result_tables(tx: Tx) -> list[TableName]:
    """Those of jobs that are still there."""
    named = select(jobs.c.result_table).where(jobs.c.result_table.is_not(None)).distinct()
    tables = [TableName.stored(name) for name in sorted(tx.scalars(named))]
    return [table for table in tables if find_table(tx, table) is not None]


def home_of(tx: Tx) -> str:
    """The ledger's schema, quoted."""
    return quoted(str(tx.scalar(text("SELECT current_schema()"))))


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
