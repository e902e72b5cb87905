"""The ledger's time: integer microseconds since 1970 in UTC, told by the database, so that no host's clock matters."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class now_us(FunctionElement[int]):  # noqa: N801 - reads as the SQL function that it is
    """The database's clock at this moment."""

    type = BigInteger()
    inherit_cache = True


@compiles(now_us, "postgresql")
def _postgres_now(element: Any, compiler: Any, **_: Any) -> str:
    # Not now(): that is the start of the transaction, and leases must not be shortened by a slow one.
    return "(extract(epoch from clock_timestamp()) * 1000000)::bigint"


@compiles(now_us, "sqlite")
def _sqlite_now(element: Any, compiler: Any, **_: Any) -> str:
    # Not unixepoch('now', 'subsec'): SQLite 3.40 answers NULL to it.
    return "cast(round((julianday('now') - 2440587.5) * 86400000000.0) as integer)"


def read_clock(tx: Connection) -> datetime:
    """The ledger's time now: one for all hosts."""
    return instant(tx.execute(select(now_us())).scalar_one())


def instant(microseconds: int) -> datetime:
    """The ledger's number as an aware datetime in UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)


def maybe_instant(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else instant(microseconds)


def microseconds(moment: datetime) -> int:
    """An aware datetime as the ledger's number."""
    return (moment - _EPOCH) // timedelta(microseconds=1)
