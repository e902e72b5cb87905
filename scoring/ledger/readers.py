"""Roles that may read what the ledger promises, and nothing else: its views, result tables, their newest batches."""

from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from scoring.core.errors import SettingsError, UsageError
from scoring.core.result_table import TableName
from scoring.ledger import meta
from scoring.ledger.database import Tx
from scoring.ledger.reports import VIEWS
from scoring.ledger.result_catalog import find_table
from scoring.ledger.result_sql import IDENTIFIER_CHARACTERS, execute, is_refusal, qualified, quoted, refusing
from scoring.ledger.tables import jobs
from scoring.ledger.tables import meta as meta_rows

_PREFIX = "reader:"
"""Before the role's name, in `meta`."""

_FUNCTIONS = ("newest_batch(text)", "newest_batch_slot(text)")

_ROLE = text(
    "SELECT rolsuper OR pg_has_role(oid, current_user::text::regrole, 'MEMBER') AS owns"
    " FROM pg_roles WHERE rolname = :role"
)
_RIGHTS = text(
    "SELECT pg_has_role(c.relowner, 'USAGE') AS ours, has_schema_privilege(:role, n.oid, 'USAGE') AS sees_schema,"
    " has_table_privilege(:role, c.oid, 'SELECT') AS reads"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = :schema AND c.relname = :name"
)
_LEFT = text(
    "SELECT has_database_privilege(:role, current_database(), 'TEMP') AS temporary,"
    " has_function_privilege(:role, 'lo_from_bytea(oid, bytea)', 'EXECUTE') AS large_objects"
)

_SETTINGS = ("default_transaction_read_only = on", "idle_in_transaction_session_timeout = '60s'")
"""For sessions that log in as the role; whoever writes SQL may change them."""

_WRITERS_OF_LARGE_OBJECTS = (
    "lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea), lo_put(oid, bigint, bytea), lo_unlink(oid),"
    " lo_truncate(integer, integer), lo_truncate64(integer, bigint), lowrite(integer, bytea)"
)


@dataclass(frozen=True, kw_only=True)
class Reader:
    """What a role has been given."""

    role: str
    # False: it was there before, and keeps whatever else it may do.
    created: bool
    views: tuple[str, ...]
    tables: tuple[str, ...]
    # Everybody may make temporary tables in this database, and it is not ours to forbid.
    may_make_temporary: bool
    # So with large objects, which only a superuser can forbid.
    may_make_large_objects: bool
    # False: a role of others, which is not ours to configure.
    configured: bool


def grant(tx: Tx, role: str) -> Reader:
    """Make `role` a reader, without login where it is new, and remember it: what comes later is granted too.

    Raises UsageError for a ledger that is no server, and for a role that owns the ledger; SettingsError where Postgres
    does not let the ledger's user do it.
    """
    _check_name(tx, role)
    with refusing(f"make {role} a reader", SettingsError):
        found = tx.execute(_ROLE, {"role": role}).one_or_none()
        if found is None:
            execute(tx, f"CREATE ROLE {quoted(role)} NOLOGIN")
        elif found.owns:
            raise UsageError(
                f"{role} is no mere reader",
                expected="a role without the rights of the ledger's user",
                got="one that has them",
                remedy="name another role",
            )
        _take_from_everybody(tx)
        meta.remember(tx, _PREFIX + role, role)
        _grant_views(tx, role)
        tables = _result_tables(tx)
        for table in tables:
            _grant_table(tx, role, table)
        configured = _configure(tx, role)
    left = tx.execute(_LEFT, {"role": role}).one()
    return Reader(
        role=role,
        created=found is None,
        views=VIEWS,
        tables=tuple(map(str, tables)),
        may_make_temporary=left.temporary,
        may_make_large_objects=left.large_objects,
        configured=configured,
    )


def grant_table(tx: Tx, table: TableName) -> None:
    """Let all readers see a new result table, and the view of its newest batch."""
    for role in _readers(tx):
        _grant_table(tx, role, table)


def grant_views(tx: Tx) -> None:
    """Let all readers see the ledger's views, which a migration has made anew."""
    for role in _readers(tx):
        _grant_views(tx, role)


def _check_name(tx: Tx, role: str) -> None:
    if tx.dialect.name != "postgresql":
        raise UsageError(
            "scoring db reader",
            expected="a ledger in Postgres",
            got="an embedded ledger, which only its owner can read",
            remedy="set SCORING_DATABASE_URL to postgresql+psycopg://…",
        )
    if not 0 < len(role.encode()) <= IDENTIFIER_CHARACTERS or "\0" in role:
        raise UsageError(
            "the role", expected=f"1 to {IDENTIFIER_CHARACTERS} bytes", got=repr(role), remedy="name another role"
        )


def _take_from_everybody(tx: Tx) -> None:
    """Postgres lets every role make temporary tables, large objects, and up to version 14 any table in `public`."""
    execute(tx, f"REVOKE TEMPORARY ON DATABASE {_database(tx)} FROM PUBLIC")
    execute(tx, f"REVOKE CREATE ON SCHEMA {_home(tx)} FROM PUBLIC")
    _where_allowed(tx, f"REVOKE EXECUTE ON FUNCTION {_WRITERS_OF_LARGE_OBJECTS} FROM PUBLIC")


def _configure(tx: Tx, role: str) -> bool:
    """In this database alone: the role may have other work elsewhere."""
    altered = f"ALTER ROLE {quoted(role)} IN DATABASE {_database(tx)} SET"
    return all(_where_allowed(tx, f"{altered} {setting}") for setting in _SETTINGS)


def _where_allowed(tx: Tx, statement: str) -> bool:
    """Whether Postgres let us; where not, nothing has changed."""
    try:
        with tx.begin_nested():
            execute(tx, statement)
    except DBAPIError as error:
        if not is_refusal(getattr(error.orig, "sqlstate", None)):
            raise
        return False
    return True


def _grant_views(tx: Tx, role: str) -> None:
    home, reader = _home(tx), quoted(role)
    views = ", ".join(f"{home}.{quoted(view)}" for view in VIEWS)
    functions = ", ".join(f"{home}.{function}" for function in _FUNCTIONS)
    execute(tx, f"GRANT USAGE ON SCHEMA {home} TO {reader}")
    execute(tx, f"GRANT SELECT ON {views} TO {reader}")
    execute(tx, f"GRANT EXECUTE ON FUNCTION {functions} TO {reader}")


def _grant_table(tx: Tx, role: str, table: TableName) -> None:
    """Only what is ours to give and not given yet: two submits that grant the same at once would stumble."""
    for relation in (table, table.latest):
        right = tx.execute(_RIGHTS, {"role": role, "schema": relation.schema, "name": relation.name}).one_or_none()
        if right is None or not right.ours:
            continue
        if not right.sees_schema:
            execute(tx, f"GRANT USAGE ON SCHEMA {quoted(relation.schema)} TO {quoted(role)}")
        if not right.reads:
            execute(tx, f"GRANT SELECT ON {qualified(relation)} TO {quoted(role)}")


def _result_tables(tx: Tx) -> list[TableName]:
    named = select(jobs.c.result_table).where(jobs.c.result_table.is_not(None)).distinct()
    tables = [TableName.stored(name) for name in sorted(tx.scalars(named))]
    return [table for table in tables if find_table(tx, table) is not None]


def _readers(tx: Tx) -> list[str]:
    """Those that were named and are still there."""
    remembered = select(meta_rows.c.value).where(meta_rows.c.key.startswith(_PREFIX, autoescape=True))
    roles = sorted(tx.scalars(remembered))
    return [role for role in roles if tx.execute(_ROLE, {"role": role}).one_or_none() is not None]


def _database(tx: Tx) -> str:
    return quoted(str(tx.scalar(text("SELECT current_database()"))))


def _home(tx: Tx) -> str:
    return quoted(str(tx.scalar(text("SELECT current_schema()"))))
