"""What the deployment remembers of itself, such as the id of its store."""

from sqlalchemy import select

from scoring.ledger.database import Tx, insert_or_nothing
from scoring.ledger.tables import meta

STORE_ID = "store_id"


def remember(tx: Tx, key: str, value: str) -> str:
    """Offer a value; returns the one that counts: the first ever offered."""
    tx.execute(insert_or_nothing(tx, meta).values(key=key, value=value))
    return str(tx.execute(select(meta.c.value).where(meta.c.key == key)).scalar_one())


def recall(tx: Tx, key: str) -> str | None:
    return tx.scalar(select(meta.c.value).where(meta.c.key == key))
