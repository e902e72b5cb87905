"""The ledger's door: one transaction at a time, and a promise about what its end means."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Connection, Engine, Table, make_url
from sqlalchemy.dialects import postgresql, sqlite

from scoring.core.errors import LedgerAway, SettingsError
from scoring.ledger.connect import postgres_engine, sqlite_reader, sqlite_writer
from scoring.ledger.faults import Contended, OutcomeUnknown, translated
from scoring.ledger.revisions import require_current, upgrade_if_older

__all__ = ["Contended", "Ledger", "OutcomeUnknown", "Tx", "insert_or_nothing"]

Tx: TypeAlias = Connection
"""An open transaction: of `Ledger.write()` where a function moves something."""

T = TypeVar("T")

TRIES = 5
"""A transaction that others undo this often in a row is given up."""


class Ledger:
    """Opened once per process, after fork; threads share it."""

    def __init__(self, writer: Engine, reader: Engine) -> None:
        self._writer = writer
        self._reader = reader

    @classmethod
    def open(cls, url: str) -> "Ledger":
        """Connect, and check that tables and code fit. An embedded ledger is made or upgraded on the way.

        url: ``sqlite:///PATH`` or ``postgresql+psycopg://…``. Raises LedgerAway, SettingsError.
        """
        ledger = cls.connect(url)
        try:
            if ledger.dialect == "sqlite":
                with ledger.read() as tx:
                    upgrade_if_older(tx, ledger.write)
            else:
                with ledger.read() as tx:
                    require_current(tx)
        except BaseException:
            ledger.close()
            raise
        return ledger

    @classmethod
    def connect(cls, url: str) -> "Ledger":
        """The ledger without a look at its tables: for migrations."""
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            if not parsed.database or parsed.database == ":memory:":
                raise SettingsError(
                    "the ledger's URL", expected="sqlite:///PATH", got=url, remedy="a job must outlive its process"
                )
            path = Path(parsed.database)
            with translated():
                return cls(sqlite_writer(path), sqlite_reader(path))
        if parsed.drivername in ("postgresql", "postgresql+psycopg"):
            engine = postgres_engine(parsed.set(drivername="postgresql+psycopg"))
            return cls(engine, engine)
        raise SettingsError(
            "the ledger's URL",
            expected="sqlite:///PATH or postgresql+psycopg://…",
            got=parsed.drivername,
            remedy="set SCORING_DATABASE_URL",
        )

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._writer.dialect.name

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """One writing transaction: committed at the end of the block, undone where the block raises.

        Raises LedgerAway; OutcomeUnknown where the connection broke at the commit itself; Contended.
        """
        with translated():
            connection = self._writer.connect()
        with connection:
            with translated():
                transaction = connection.begin()
            try:
                with translated():
                    yield connection
            except BaseException:
                with translated():
                    transaction.rollback()
                raise
            with translated(committing=True):
                transaction.commit()

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """One reading transaction; on SQLite it sees one snapshot and waits for no writer."""
        with translated(), self._reader.connect() as connection, connection.begin():
            yield connection

    def run(self, work: Callable[[Tx], T]) -> T:
        """Do `work` in one writing transaction; where it was undone by no fault of its own, do it again, whole."""
        for attempt in range(TRIES):
            try:
                with self.write() as tx:
                    return work(tx)
            except OutcomeUnknown:
                raise
            except Contended as error:
                if attempt == TRIES - 1:
                    raise LedgerAway("too many others write to the ledger", got=str(error)) from error
                time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 - spreads the rivals, keeps no secret
            except LedgerAway:
                # The first connection may have been dead in the pool: nothing was committed, so a new one may try once.
                if attempt > 0 or self.dialect == "sqlite":
                    raise
        raise LedgerAway("the ledger does not answer")

    def look(self, question: Callable[[Tx], T]) -> T:
        """Ask in one reading transaction."""
        with self.read() as tx:
            return question(tx)

    def close(self) -> None:
        self._writer.dispose()
        self._reader.dispose()


def insert_or_nothing(tx: Tx, table: Table) -> Any:
    """An INSERT that does nothing where a unique rule is in its way, in the dialect of `tx`."""
    insert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    return insert(table).on_conflict_do_nothing()
