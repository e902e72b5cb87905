"""The ledger's door: one transaction at a time, and a promise about what its end means."""

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, TypeAlias, TypeVar
from weakref import WeakSet

from sqlalchemy import Connection, Engine, Pool, Table, make_url
from sqlalchemy.dialects import postgresql, sqlite

from scoring.core.errors import LedgerAway, SettingsError
from scoring.ledger.connect import beat_engine, postgres_engine, sqlite_reader, sqlite_writer
from scoring.ledger.faults import Contended, OutcomeUnknown, translated
from scoring.ledger.revisions import require_current, upgrade_if_older

__all__ = ["Contended", "Ledger", "OutcomeUnknown", "Tx", "insert_or_nothing"]

Tx: TypeAlias = Connection
"""An open transaction: of `Ledger.write()` where a function moves something."""

T = TypeVar("T")

TRIES = 5
"""A transaction that others undo this often in a row is given up."""

DOUBT_SECONDS = 10.0
"""A ledger that goes away at a commit is asked for so long what has become of it: as long as a crashed server needs."""

DOUBT_PAUSE_SECONDS = 0.5


class Ledger:
    """Opened once per process; threads share it. A forked child that inherits it makes connections of its own."""

    def __init__(self, writer: Engine, reader: Engine, beats: Engine) -> None:
        self._writer = writer
        self._reader = reader
        self._beats = beats
        _open.add(self)

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
                # One writer at a time is SQLite's rule: another connection would wait for the same lock, less fairly.
                writer = sqlite_writer(path)
                return cls(writer, sqlite_reader(path), writer)
        if parsed.drivername in ("postgresql", "postgresql+psycopg"):
            server = parsed.set(drivername="postgresql+psycopg")
            engine = postgres_engine(server)
            return cls(engine, engine, beat_engine(server))
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

    def write(self) -> AbstractContextManager[Tx]:
        """One writing transaction: committed at the end of the block, undone where the block raises.

        Raises LedgerAway; OutcomeUnknown where the connection broke at the commit itself; Contended.
        """
        return _writing(self._writer)

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """One reading transaction; on SQLite it sees one snapshot and waits for no writer."""
        with translated(), self._reader.connect() as connection, connection.begin():
            yield connection

    def run(self, work: Callable[[Tx], T]) -> T:
        """Do `work` in one writing transaction; where it was undone by no fault of its own, do it again, whole."""
        return self._run(self._writer, work)

    def run_once(self, work: Callable[[Tx], T], happened: Callable[[Tx], T | None]) -> T:
        """As `run`, for moves that nobody makes twice: where the answer to the commit is lost, the rows are read again.

        happened: what the commit has left, or None; then `work` is done again, for its guards let it happen once.
        Raises OutcomeUnknown where the ledger stays away.
        """
        try:
            return self.run(work)
        except OutcomeUnknown as error:
            doubt = error
        found = self._in_doubt(happened, doubt)
        if found is not None:
            return found
        try:
            return self.run(work)
        except LedgerAway as error:
            second: Exception = OutcomeUnknown(doubt.message, got=str(error), remedy=doubt.remedy)
        except Exception as error:  # noqa: BLE001  # raised below, unless the first commit has stood in its way
            second = error
        found = self._in_doubt(happened, doubt)
        if found is None:
            raise second
        return found

    def keep(self, work: Callable[[Tx], T]) -> T:
        """As `run`, for heartbeats: on Postgres they wait for no connection of the work's own, and give up sooner.

        SQLite has one writer for both.
        """
        return self._run(self._beats, work)

    def _run(self, engine: Engine, work: Callable[[Tx], T]) -> T:
        for attempt in range(TRIES):
            try:
                with _writing(engine) as tx:
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

    def _in_doubt(self, question: Callable[[Tx], T], doubt: OutcomeUnknown) -> T:
        ends = time.monotonic() + DOUBT_SECONDS
        while True:
            try:
                return self.look(question)
            except LedgerAway:
                if time.monotonic() > ends:
                    raise doubt from None
            time.sleep(DOUBT_PAUSE_SECONDS)

    def look(self, question: Callable[[Tx], T]) -> T:
        """Ask in one reading transaction."""
        with self.read() as tx:
            return question(tx)

    def close(self) -> None:
        for engine in self._engines():
            engine.dispose()

    def start_anew(self) -> None:
        """Forget all connections, and close none: after a fork they are the parent's."""
        for engine in self._engines():
            _inherited.append(engine.pool)
            engine.dispose(close=False)

    def _engines(self) -> set[Engine]:
        return {self._writer, self._reader, self._beats}


_open: WeakSet[Ledger] = WeakSet()
_inherited: list[Pool] = []
"""Kept, for at its end a connection would say good-bye to the server in the parent's name."""


def _after_fork() -> None:
    for ledger in list(_open):
        ledger.start_anew()


os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def _writing(engine: Engine) -> Iterator[Tx]:
    with translated():
        connection = engine.connect()
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


def insert_or_nothing(tx: Tx, table: Table) -> Any:
    """An INSERT that does nothing where a unique rule is in its way, in the dialect of `tx`."""
    insert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    return insert(table).on_conflict_do_nothing()
