"""`scoring db upgrade` and `scoring db check`."""

from scoring.ledger import revisions
from scoring.ledger.database import Ledger


def upgrade(ledger_url: str) -> str:
    """Bring the ledger's tables up to this program; returns the revision that they have then.

    Two at once: one waits, and finds nothing to do. Raises SettingsError where the ledger is newer, LedgerAway.
    """
    ledger = Ledger.connect(ledger_url)
    try:
        with ledger.write() as tx:
            revisions.migrate(tx)
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
