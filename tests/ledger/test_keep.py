"""A heartbeat waits for nothing that the work of its process holds."""

from contextlib import ExitStack

from sqlalchemy import text

from scoring.ledger.database import Ledger

CONNECTIONS = 15
"""All that the work of one process may have."""


def test_a_heartbeat_waits_for_no_connection_of_the_work(postgres_url: str) -> None:
    """Every connection lies in a long transaction, such as the COPY of a chunk: a lease is extended all the same."""
    ledger = Ledger.connect(postgres_url)
    with ExitStack() as stack:
        for _ in range(CONNECTIONS):
            stack.enter_context(ledger.write())
        assert 1 == ledger.keep(lambda tx: tx.scalar(text("SELECT 1")))
    ledger.close()
