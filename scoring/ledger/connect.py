"""Engines for the two databases, with every time-out set."""

import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, ExceptionContext, create_engine, event
from sqlalchemy.pool import QueuePool

from scoring.core.errors import SettingsError
from scoring.ledger.search_path import keep_to_own_schema

SQLITE_AT_LEAST = (3, 37)
BUSY_SECONDS = 30
CONNECT_SECONDS = 5
STATEMENT_SECONDS = 30
LOCK_SECONDS = 10
BEAT_SECONDS = 5
"""A heartbeat that waits longer is better sent again."""

IDLE_SECONDS = 10
"""No transaction waits for anything but the database: one that lies idle belongs to a process that is stopped."""

READ_ONLY = "25006"
"""read_only_sql_transaction"""

SILENCE_SECONDS = 15
"""A peer that acknowledges nothing for this long is taken for gone."""


def postgres_engine(url: URL) -> Engine:
    """One pool per process, opened after fork."""
    return _postgres_engine(url, STATEMENT_SECONDS, LOCK_SECONDS, pool_size=5, max_overflow=10)


def beat_engine(url: URL) -> Engine:
    """Connections for heartbeats: one as a rule, more where several are due at once; none is waited for."""
    return _postgres_engine(url, BEAT_SECONDS, BEAT_SECONDS, pool_size=1, max_overflow=-1)


def _postgres_engine(url: URL, statement_seconds: int, lock_seconds: int, **pool: int) -> Engine:
    options = {
        "statement_timeout": statement_seconds * 1000,
        "lock_timeout": lock_seconds * 1000,
        "idle_in_transaction_session_timeout": IDLE_SECONDS * 1000,
        # Each question has its index. Statistics that are minutes old say "most steps are due" when hardly any is left,
        # and a million rows would be read per chunk; the estimates that follow from this switch would set off the JIT.
        "enable_seqscan": "off",
        "jit": "off",
    }
    engine = create_engine(
        url,
        pool_timeout=STATEMENT_SECONDS,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "application_name": "scoring",
            "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
            "keepalives": 1,
            "keepalives_idle": SILENCE_SECONDS,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": SILENCE_SECONDS * 1000,
        },
        **pool,
    )
    from scoring.ledger.silence import WatchedConnection  # the driver: nobody needs it over SQLite

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: Any, _record: Any, arguments: list[Any], named: dict[str, Any]) -> WatchedConnection:
        return WatchedConnection.connect(*arguments, **named)

    @event.listens_for(engine, "handle_error")
    def _leave_read_only(context: ExceptionContext) -> None:
        # After a fail-over: a new connection finds the server that may be written to.
        if getattr(context.original_exception, "sqlstate", None) == READ_ONLY:
            context.is_disconnect = True

    keep_to_own_schema(engine)
    return engine


def sqlite_writer(path: Path) -> Engine:
    """The one writing connection of this process; its pool of one is the lock between threads."""
    if sqlite3.sqlite_version_info < SQLITE_AT_LEAST:
        raise SettingsError(
            "SQLite is too old",
            expected="3.37 or newer",
            got=sqlite3.sqlite_version,
            remedy="use a Python with a newer SQLite, or a Postgres ledger",
        )
    _create_private(path)
    # BEGIN IMMEDIATE: a deferred transaction that turns to writing fails at once, whatever the busy time-out says.
    return _sqlite_engine(path, "BEGIN IMMEDIATE", pool_size=1, max_overflow=0)


def sqlite_reader(path: Path) -> Engine:
    """Connections that see one snapshot each and cannot write."""
    return _sqlite_engine(path, "BEGIN", "PRAGMA query_only = ON", pool_size=4, max_overflow=12)


def _sqlite_engine(path: Path, begin: str, *pragmas: str, pool_size: int, max_overflow: int) -> Engine:
    engine = create_engine(
        URL.create("sqlite+pysqlite", database=str(path)),
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_timeout=BUSY_SECONDS,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False, "isolation_level": None},
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: Any) -> None:
        for pragma in (
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",
            "PRAGMA foreign_keys = ON",
            "PRAGMA cache_size = -16000",
            *pragmas,
        ):
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _create_private(path: Path) -> None:
    """Only the owner may read job definitions and error texts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
