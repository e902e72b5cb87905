"""`scoring db upgrade` and `scoring db check`."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from scoring.core.errors import SettingsError
from scoring.ledger import revisions, role_grants, roles
from scoring.ledger.database import Ledger

_STILL_NEEDED = "2BP01"  # dependent_objects_still_exist
_NAME_TAKEN = "42P07"  # duplicate_table


def upgrade(ledger_url: str) -> str:
    """Bring the ledger's tables up to this program; returns the revision that they have then.

    Two at once: one waits, and finds nothing to do. Raises SettingsError where the ledger is newer, LedgerAway.
    """
    ledger = Ledger.connect(ledger_url)
    try:
        with ledger.write() as tx:
            with _obstacles_in_words():
                revisions.migrate(tx)
            roles.require_owner(tx)
            if ledger.dialect == "postgresql":
                role_grants.renew(tx)
            return revisions.HEAD
    finally:
        ledger.close()


def check(ledger_url: str) -> str:
    """The revision of the ledger's tables. Raises SettingsError where it is not this program's, LedgerAway."""
    ledger = Ledger.connect(ledger_url)
    try:
        with ledger.read() as tx:
            revisions.require_current(tx)
            return revisions.HEAD
    finally:
        ledger.close()


@contextmanager
def _obstacles_in_words() -> Iterator[None]:
    """What users have made in the ledger's schema may be in the way."""
    try:
        yield
    except DBAPIError as error:
        words = {_STILL_NEEDED: _held, _NAME_TAKEN: _taken}.get(str(getattr(error.orig, "sqlstate", None)))
        if words is None:
            raise
        raise words(error) from error


def _held(error: DBAPIError) -> SettingsError:
    """A view over the ledger's holds them in place."""
    detail = getattr(getattr(error.orig, "diag", None), "message_detail", None)
    return SettingsError(
        "the ledger's views cannot be made anew",
        expected="nothing that was built upon them",
        got=str(detail or error.orig).replace("\n", "; "),
        remedy="drop those views, run `scoring db upgrade`, and make them again",
    )


def _taken(error: DBAPIError) -> SettingsError:
    """A result table, say, bears the name that this release has for a table of its own."""
    return SettingsError(
        "a table of the ledger cannot be made",
        expected="a name that nothing bears yet",
        got=str(error.orig).splitlines()[0],
        remedy="rename what bears it, and run `scoring db upgrade`",
    )
