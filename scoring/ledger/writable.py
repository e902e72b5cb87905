"""Whether the ledger's server is one that may be written to."""

from sqlalchemy import text

from scoring.ledger.database import Ledger


def takes_changes(ledger_url: str) -> bool:
    """False for a standby, and for a server or database that was turned read-only. Raises LedgerAway, SettingsError."""
    ledger = Ledger.connect(ledger_url)
    try:
        with ledger.read() as tx:
            return ledger.dialect == "sqlite" or tx.scalar(text("SHOW transaction_read_only")) == "off"
    finally:
        ledger.close()
