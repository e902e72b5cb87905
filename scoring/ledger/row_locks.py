"""Locks that the ledger's own roles alone can take: rows. An advisory lock may be taken by any role."""

from sqlalchemy import Select, select

from scoring.ledger.database import Tx, insert_or_nothing
from scoring.ledger.tables import locks


def take(tx: Tx, name: str) -> None:
    """Until the end of the transaction nobody else has the lock; whoever has it now is waited for."""
    tx.execute(insert_or_nothing(tx, locks).values(name=name))
    tx.execute(_row(name).with_for_update())


def try_to_take(tx: Tx, name: str) -> bool:
    """As `take`, but False where somebody has it. For locks whose rows a migration has made."""
    return tx.scalar(_row(name).with_for_update(skip_locked=True)) is not None


def _row(name: str) -> Select[tuple[str]]:
    return select(locks.c.name).where(locks.c.name == name)
