"""Driver errors become ours here, and nowhere else."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from scoring.core.errors import ExitCode, LedgerAway, ScoringError, SettingsError, StorageFault

CONTENDED = frozenset({"40001", "40P01"})
"""serialization_failure, deadlock_detected: the transaction was undone and may be done again."""

_GONE = "the ledger does not answer"
_SLOW = "the ledger is locked or too slow"

_AWAY = {
    "57014": _SLOW,  # query_canceled: statement_timeout
    "55P03": _SLOW,  # lock_not_available
    "25P03": _SLOW,  # idle_in_transaction_session_timeout
    "25P04": _SLOW,  # transaction_timeout
    "25006": "the ledger takes no changes now",  # read_only_sql_transaction: a standby, as after a fail-over
    "53300": "the ledger takes no more connections",
    **dict.fromkeys(("57P01", "57P02", "57P03", "57P05"), _GONE),  # the server goes down or comes up
}
"""SQLSTATE → what it means: wait, the server will be back."""

_FORBIDDEN = "42501"
"""insufficient_privilege"""

_FULL = frozenset({"53100", "58030"})  # disk_full, io_error


class Contended(ScoringError):
    """Two transactions were in each other's way; this one was undone."""


class OutcomeUnknown(LedgerAway):
    """The connection was lost while committing: the transaction may or may not have happened. Read the rows again."""


class LedgerFull(StorageFault, LedgerAway):
    """The server has no room to write: as good as away until it has, so nothing is charged to a step."""

    exit_code = ExitCode.JOB_FAILED


@contextmanager
def translated(*, committing: bool = False) -> Iterator[None]:
    """Raise what the program understands for whatever the driver raises inside the block."""
    try:
        yield
    except DBAPIError as error:
        raise _translate(error, committing) from error
    except PoolTimeout as error:
        raise _away(error) from error


def _translate(error: DBAPIError, committing: bool) -> Exception:
    state = getattr(error.orig, "sqlstate", None)
    text = str(error.orig)
    if state in CONTENDED:
        return Contended(text)
    if state in _FULL or "disk is full" in text or "disk I/O error" in text:
        return (StorageFault if state is None else LedgerFull)(
            "the disk of the ledger is full or broken", got=_first_line(text), remedy="free some space, then go on"
        )
    if state == _FORBIDDEN:
        return SettingsError(
            "the ledger's tables are not for this role",
            expected="SCORING_DATABASE_URL of a role with the rights: submitting takes a producer, scoring a worker, a"
            " scheduler both, `gc` and `db` the owner",
            got=_first_line(text),
            remedy="`scoring db role`, said by the owner, makes them; a reader uses psql, not `scoring`",
        )
    if "not a database" in text or "malformed" in text:
        return SettingsError(
            "the ledger file cannot be read",
            expected="a SQLite database that this program made",
            got=_first_line(text),
            remedy="move the file away, or give another SCORING_HOME",
        )
    if error.connection_invalidated or state in _AWAY or _is_operational(error, state):
        if committing:
            # Even where the server names a reason: it may have committed and been shut down while it waited to say so.
            return OutcomeUnknown(
                "the connection to the ledger was lost while committing",
                got=_first_line(text),
                remedy="it may have happened or not: look (`scoring jobs`) before you do it again",
            )
        return _away(error)
    return error


def _is_operational(error: DBAPIError, state: str | None) -> bool:
    # psycopg gives no SQLSTATE where there is no server to give one; SQLite says "locked" this way.
    return type(error).__name__ == "OperationalError" and (state is None or state[:2] in ("08", "53", "57"))


def _away(error: SQLAlchemyError) -> LedgerAway:
    driver = error.orig if isinstance(error, DBAPIError) else error
    text = str(driver)
    return LedgerAway(
        _AWAY.get(getattr(driver, "sqlstate", None) or "", _GONE),
        got=_first_line(text),
        remedy="check SCORING_DATABASE_URL and the server; `scoring doctor` tells more",
    )


def _first_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason"])[0]
