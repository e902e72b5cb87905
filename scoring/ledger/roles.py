"""Roles in Postgres for those who use the ledger: readers, producers and workers, none of which owns it."""

from collections.abc import Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from scoring.core.errors import SettingsError, UsageError
from scoring.ledger.database import Tx, insert_or_nothing
from scoring.ledger.reports import VIEWS
from scoring.ledger.result_sql import IDENTIFIER_CHARACTERS, execute, is_refusal, literal, quoted, refusing
from scoring.ledger.role_grants import grant_ledger, home_of, kinds_of, lock, share_results
from scoring.ledger.role_rights import RoleKind
from scoring.ledger.tables import roles

if TYPE_CHECKING:
    import psycopg

_ROLE = text(
    # No cast to regrole: that would fold the case of the name.
    "SELECT rolsuper OR pg_has_role(oid, current_user, 'MEMBER') AS owns FROM pg_roles WHERE rolname = :role"
)
_OWNED = text("SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = 'jobs'::regclass")
_RIGHTS = {
    RoleKind.PRODUCER: text("SELECT has_table_privilege('jobs', 'INSERT')"),
    RoleKind.WORKER: text("SELECT has_table_privilege('parts', 'INSERT')"),
}
"""One right of each that the other lacks."""

_LEFT = text(
    "SELECT has_database_privilege(:role, current_database(), 'TEMP') AS temporary,"
    " has_function_privilege(:role, 'lo_from_bytea(oid, bytea)', 'EXECUTE') AS large_objects"
)

_READS_ONLY = ("default_transaction_read_only = on", "idle_in_transaction_session_timeout = '60s'")
"""For sessions that log in as a reader; whoever writes SQL may change them."""

_WRITERS_OF_LARGE_OBJECTS = (
    "lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea), lo_put(oid, bigint, bytea), lo_unlink(oid),"
    " lo_truncate(integer, integer), lo_truncate64(integer, bigint), lowrite(integer, bytea)"
)


@dataclass(frozen=True, kw_only=True)
class Role:
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


def grant(tx: Tx, kinds: Set[RoleKind], role: str, password: str | None = None) -> Role:
    """Make `role` what `kinds` say, and remember it: what comes later is granted too. A new role cannot log in.

    password: lets it log in. Raises UsageError for a ledger that is no server, for a superuser, for a role that is, or
    is a member of, the ledger's owner, and for a reader that is to write; SettingsError where Postgres does not let the
    ledger's user do it.
    """
    what = " and ".join(sorted(kinds))
    _check_name(tx, what, role)
    require_owner(tx)
    with refusing(f"make {role} a {what}", SettingsError):
        created = _create(tx, role)
        lock(tx)
        all_kinds = _remember(tx, kinds, role)
        _take_from_everybody(tx)
        grant_ledger(tx, role, all_kinds)
        tables = share_results(tx)
        configured = _configure(tx, all_kinds, role)
        if password is not None:
            _set_password(tx, role, password)
    left = tx.execute(_LEFT, {"role": role}).one()
    return Role(
        role=role,
        created=created,
        views=VIEWS,
        tables=tuple(map(str, tables)),
        may_make_temporary=left.temporary,
        may_make_large_objects=left.large_objects,
        configured=configured,
    )


def require_owner(tx: Tx) -> None:
    """Raise SettingsError for a user that may use the ledger's tables but does not own them.

    An embedded ledger is nobody else's.
    """
    if tx.dialect.name == "postgresql" and not tx.scalar(_OWNED):
        raise SettingsError(
            "the ledger is not this role's to change",
            expected="SCORING_DATABASE_URL of the role that made the ledger's tables",
            got=str(tx.scalar(text("SELECT current_user"))),
            remedy="run it as the ledger's owner",
        )


def require_worker_rights(tx: Tx) -> None:
    """Raise SettingsError for a user that may not work on steps: a process says so before it begins."""
    _require_rights(tx, RoleKind.WORKER)


def require_all_rights(tx: Tx) -> None:
    """The same for a user that may not submit, or may not work."""
    _require_rights(tx, RoleKind.PRODUCER)
    _require_rights(tx, RoleKind.WORKER)


def _require_rights(tx: Tx, kind: RoleKind) -> None:
    if tx.dialect.name == "postgresql" and not tx.scalar(_RIGHTS[kind]):
        raise SettingsError(
            f"this role is no {kind} of the ledger",
            expected="SCORING_DATABASE_URL of a role that `scoring db role` has made for this work, or of the owner",
            got=f"{tx.scalar(text('SELECT current_user'))}, which may not do it",
            remedy="a worker needs a role of kind worker; a scheduler, and `run` and `resume`, one of kind scheduler",
        )


def _check_name(tx: Tx, what: str, role: str) -> None:
    if tx.dialect.name != "postgresql":
        raise UsageError(
            f"cannot make a {what}",
            expected="a ledger in Postgres",
            got="an embedded ledger, which only its owner can read",
            remedy="set SCORING_DATABASE_URL to postgresql+psycopg://…",
        )
    if not 0 < len(role.encode()) <= IDENTIFIER_CHARACTERS or "\0" in role:
        raise UsageError(
            "the role", expected=f"1 to {IDENTIFIER_CHARACTERS} bytes", got=repr(role), remedy="name another role"
        )


def _create(tx: Tx, role: str) -> bool:
    """Whether it is new."""
    found = tx.execute(_ROLE, {"role": role}).one_or_none()
    if found is None:
        execute(tx, f"CREATE ROLE {quoted(role)} NOLOGIN")
    elif found.owns:
        raise UsageError(
            f"{role} can be made nothing less",
            expected="a role without the rights of the ledger's user",
            got="one that has them",
            remedy="name another role",
        )
    return found is None


def _remember(tx: Tx, more: Set[RoleKind], role: str) -> frozenset[RoleKind]:
    """All that the role is for from now on."""
    for kind in more:
        tx.execute(insert_or_nothing(tx, roles).values(role=role, kind=kind.value))
    kinds = kinds_of(tx, role)
    if RoleKind.READER in kinds and len(kinds) > 1:
        raise UsageError(
            f"{role} cannot read and write",
            expected="a role for readers, whose sessions only read, and others that write",
            got=f"{role} as {' and '.join(sorted(kinds))}",
            remedy="name another role; producers and workers read the views too",
        )
    return kinds


def _take_from_everybody(tx: Tx) -> None:
    """Postgres lets every role make temporary tables, large objects, and up to version 14 any table in `public`."""
    execute(tx, f"REVOKE TEMPORARY ON DATABASE {_database(tx)} FROM PUBLIC")
    execute(tx, f"REVOKE CREATE ON SCHEMA {home_of(tx)} FROM PUBLIC")
    _where_allowed(tx, f"REVOKE EXECUTE ON FUNCTION {_WRITERS_OF_LARGE_OBJECTS} FROM PUBLIC")


def _configure(tx: Tx, kinds: Set[RoleKind], role: str) -> bool:
    """In this database alone: the role may have other work elsewhere."""
    altered = f"ALTER ROLE {quoted(role)} IN DATABASE {_database(tx)} SET"
    # The schema of the ledger, wherever the role's own settings would look first.
    settings = _READS_ONLY if RoleKind.READER in kinds else (f"search_path = {home_of(tx)}, pg_temp",)
    return all(_where_allowed(tx, f"{altered} {setting}") for setting in settings)


def _set_password(tx: Tx, role: str, password: str) -> None:
    """The server gets a verifier: the password itself stands in no statement, and in no log of statements."""
    connection: psycopg.Connection = tx.connection.driver_connection  # type: ignore[assignment]  # of a Postgres ledger
    encoding = connection.info.encoding
    verifier = connection.pgconn.encrypt_password(password.encode(encoding), role.encode(encoding), b"scram-sha-256")
    execute(tx, f"ALTER ROLE {quoted(role)} LOGIN PASSWORD {literal(verifier.decode())}")


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


def _database(tx: Tx) -> str:
    return quoted(str(tx.scalar(text("SELECT current_database()"))))
