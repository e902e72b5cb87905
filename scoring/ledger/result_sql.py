"""Statements over tables whose names are known at run time only."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256

from sqlalchemy.exc import DBAPIError

from scoring.core.errors import OutputRefused, ScoringError
from scoring.core.ids import JobId
from scoring.core.result_table import PartitionBy, TableName
from scoring.ledger import row_locks
from scoring.ledger.database import Tx

IDENTIFIER_CHARACTERS = 63
_DIGEST_CHARACTERS = 8

LOCK_NOT_AVAILABLE = "55P03"

_TROUBLE = frozenset({"08", "25", "40", "53", "55", "57", "58", "XX"})
"""Classes of SQLSTATE that speak of the server or of others, not of the statement."""


def quoted(name: str) -> str:
    # Not SQLAlchemy's: that doubles percent signs for statements with parameters, and these have none.
    return '"' + name.replace('"', '""') + '"'


def qualified(name: TableName) -> str:
    return f"{quoted(name.schema)}.{quoted(name.name)}"


def literal(value: str) -> str:
    """For statements that take no parameters."""
    return "'" + value.replace("'", "''") + "'"


def execute(tx: Tx, statement: str) -> int:
    """Run it as it stands: no percent sign in a name means a parameter. Returns the rows that it touched."""
    return tx.exec_driver_sql(statement, execution_options={"no_parameters": True}).rowcount


def is_refusal(state: str | None) -> bool:
    """Whether Postgres has said no to the statement itself: to do it again would not help."""
    return state is not None and state[:2] not in _TROUBLE


@contextmanager
def refusing(what: str, refusal: type[ScoringError] = OutputRefused) -> Iterator[None]:
    """Raise `refusal`, in Postgres's own words, where it does not let us do `what`."""
    try:
        yield
    except DBAPIError as error:
        if not is_refusal(getattr(error.orig, "sqlstate", None)):
            raise
        raise refusal(
            f"cannot {what}",
            expected="the right to do so, and nothing in the way",
            got=str(error.orig).splitlines()[0],
            remedy="correct that in Postgres, or give another name",
        ) from error


def lock_making(tx: Tx, name: TableName) -> None:
    """Until the end of the transaction nobody else makes the table, or a partition of it."""
    row_locks.take(tx, f"table:{name}")


def partition_name(name: TableName, by: PartitionBy, job_id: JobId, slot: datetime | None) -> TableName:
    """The table that holds the rows of the job, or of its slot."""
    if by is PartitionBy.JOB:
        return derived(name, job_id)
    return derived(name, "no_slot" if slot is None else _slot_suffix(slot.astimezone(UTC)))


def _slot_suffix(slot: datetime) -> str:
    return f"{slot:%Y%m%dt%H%M%S}" + (f"{slot:_%f}" if slot.microsecond else "")


def derived(name: TableName, suffix: str) -> TableName:
    """`NAME_suffix`; a name that would be too long is cut, and told apart by its digest."""
    whole = f"{name.name}_{suffix}"
    if len(whole) > IDENTIFIER_CHARACTERS:
        digest = sha256(name.name.encode()).hexdigest()[:_DIGEST_CHARACTERS]
        room = IDENTIFIER_CHARACTERS - len(suffix) - _DIGEST_CHARACTERS - 2
        whole = f"{name.name[:room]}_{digest}_{suffix}"
    return TableName(schema=name.schema, name=whole)
