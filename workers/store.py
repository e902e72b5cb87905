"""Whether this host sees the store that the ledger's deployment works with."""

from scoring.core.errors import ServerUnreachable
from scoring.data.storage import STORE_ID_FILE, store_id
from scoring.ledger import meta
from scoring.ledger.database import Ledger
from scoring.settings import Settings


def require_store(settings: Settings, ledger: Ledger) -> None:
    """Compare the store's id file with the ledger; the first process of a deployment makes both.

    Raises ServerUnreachable.
    """
    wanted = ledger.look(lambda tx: meta.recall(tx, meta.STORE_ID))
    found = store_id(settings.store, create=wanted is None)
    if wanted is None and found is not None:
        first = found
        wanted = ledger.run(lambda tx: meta.remember(tx, meta.STORE_ID, first))
    if found != wanted:
        raise ServerUnreachable(
            "this host does not see the store",
            expected=f"{settings.store / STORE_ID_FILE} with the id {wanted}, which the ledger names",
            got="no such file" if found is None else f"the id {found}: another deployment's store",
            remedy="mount the store that the other hosts use, or set SCORING_STORE to it",
        )
