"""The rows of a chunk on their way into a result table, inside the transaction that decides about the chunk."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from scoring.core.errors import TableRefused
from scoring.core.result_table import CHUNK, JOB_ID, SLOT, TableName
from scoring.ledger.database import Tx
from scoring.ledger.result_sql import is_refusal, qualified, quoted
from scoring.ledger.result_target import Target

if TYPE_CHECKING:
    import psycopg

COPY_SECONDS = 3_600
"""A table with many indexes takes its time; the heartbeat of the chunk goes on meanwhile."""

LOCK_SECONDS = 60
"""For whoever builds an index, or cleans the table up."""

Write = Callable[[bytes | memoryview], None]


@contextmanager
def copying(tx: Tx, target: Target, columns: Sequence[str], rows: int) -> Iterator[Write]:
    """Gives a function that takes the blocks of one binary COPY. Where the block of the `with` raises, no row is kept.

    columns: of the result; job_id, chunk, and the slot where the table has one, come before them.
    rows: as many as will be written.
    Raises TableRefused where Postgres refuses the rows or leaves some out, and what else is translated at the
    ledger's door.
    """
    names = [JOB_ID, CHUNK, *([SLOT] if target.with_slot else []), *columns]
    listed = ", ".join(quoted(name) for name in names)
    statement = f"COPY {qualified(target.relation)} ({listed}) FROM STDIN (FORMAT binary)"
    tx.exec_driver_sql(f"SET LOCAL statement_timeout = '{COPY_SECONDS}s'; SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
    with _in_words(target.table, statement), _connection(tx).cursor() as cursor:
        with cursor.copy(statement) as copy:
            yield copy.write
        if cursor.rowcount != rows:
            raise _left_out(target.table, rows, cursor.rowcount)
    tx.exec_driver_sql("SET LOCAL statement_timeout TO DEFAULT; SET LOCAL lock_timeout TO DEFAULT")


def _connection(tx: Tx) -> "psycopg.Connection":
    connection: psycopg.Connection = tx.connection.driver_connection  # type: ignore[assignment]  # of a Postgres ledger
    return connection


@contextmanager
def _in_words(table: TableName, statement: str) -> Iterator[None]:
    import psycopg  # an embedded ledger never comes here, and never pays for the driver

    try:
        yield
    except psycopg.Error as error:
        if is_refusal(error.sqlstate):
            raise _refused(table, _reason(error)) from error
        # As SQLAlchemy would have raised it, so that the ledger's door knows it.
        raise DBAPIError.instance(statement, None, error, psycopg.Error) from error


def _reason(error: "psycopg.Error") -> str:
    """Postgres's message with the place: "invalid byte sequence …: 0x00 (COPY scores, line 3, column name)"."""
    where = (error.diag.context or "").splitlines()
    return (error.diag.message_primary or str(error)) + (f" ({where[0]})" if where else "")


def _refused(table: TableName, got: str) -> TableRefused:
    return TableRefused(
        f"the table {table} does not take the rows",
        expected="the table as it was at submit, and values that its columns can hold",
        got=got,
        remedy="correct the table, then `scoring retry`; or correct the input and submit it",
    )


def _left_out(table: TableName, rows: int, taken: int) -> TableRefused:
    return TableRefused(
        f"the table {table} leaves rows out",
        expected=f"{rows} rows more",
        got=f"{taken}: a trigger drops rows, or sends them elsewhere",
        remedy="remove the trigger, then `scoring retry`",
    )
