"""`scoring db upgrade` and `scoring db check`."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from scoring.core.errors import SettingsError
from scoring.ledger import revisions, role_grants, roles
from scoring.ledger.database import Ledger

_STILL_NEEDED = "2BP01"  # dependent_objects_still_exist


def upgrade(ledger_url: str) -> str:
    """Bring the ledger's tables up to this program; returns the revision that they have then.

    Two at once: one waits, and finds nothing to do. Raises SettingsError where the ledger is newer, LedgerAway.
    """
    ledger = Ledger.connect(ledger_url)
    try:
        with ledger.write() as tx:
            with _views_in_words():
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
def _views_in_words() -> Iterator[None]:
    """A view that a user has made over the ledger's holds them in place."""
    try:
        yield
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _STILL_NEEDED:
            raise
        detail = getattr(getattr(error.orig, "diag", None), "message_detail", None)
        raise SettingsError(
            "the ledger's views cannot be made anew",
            expected="nothing that was built upon them",
            got=str(detail or error.orig).replace("\n", "; "),
            remedy="drop those views, run `scoring db upgrade`, and make them again",
        ) from error
