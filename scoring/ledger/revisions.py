"""Whether tables and code fit together, and how they are made to."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from sqlalchemy import Connection, text

from scoring.core.errors import SettingsError

HEAD = "0004"
"""The revision that this code was written for; a test holds it to the newest migration."""

_REVISION = text("SELECT version_num FROM alembic_version")

IS_CURRENT = text(f"EXISTS (SELECT 1 FROM alembic_version WHERE version_num = '{HEAD}')")
"""For the WHERE of a move that code of another revision must not make; what else kept it, `require_still` tells."""

UPGRADE_LOCK = 7_246_114_302
"""Any number that no other program on the server uses for an advisory lock."""


class RevisionDiffers(SettingsError):
    """Tables and code do not fit."""


def require_current(tx: Connection) -> None:
    """Raise RevisionDiffers unless the tables are those of this code."""
    _require_head(revision(tx))


def require_still(tx: Connection) -> None:
    """As `require_current`, for whoever has opened the ledger long ago: somebody may have upgraded it since."""
    _require_head(tx.execute(_REVISION).scalar_one_or_none())


def _require_head(found: str | None) -> None:
    if found == HEAD:
        return
    older = found is None or found < HEAD
    age = "older" if older else "newer"
    raise RevisionDiffers(
        "the ledger has no tables yet" if found is None else f"the ledger is {age} than this program",
        expected=f"revision {HEAD}",
        got="none" if found is None else f"revision {found}",
        remedy="run `scoring db upgrade` once" if older else "install the newer program on this host too",
    )


def upgrade_if_older(tx: Connection, write: Callable[[], AbstractContextManager[Connection]]) -> None:
    """Bring an embedded ledger up to this code; raise SettingsError where it is newer."""
    found = revision(tx)
    if found is None or found < HEAD:
        with write() as writing:
            migrate(writing)
    else:
        require_current(tx)


def revision(tx: Connection) -> str | None:
    """The revision that the tables have, or None where there are none."""
    if tx.dialect.name == "sqlite":
        exists = "SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'"
    else:
        exists = "SELECT count(to_regclass('alembic_version'))"
    if not tx.scalar(text(exists)):
        return None
    return str(tx.execute(_REVISION).scalar_one())


def migrate(tx: Connection) -> None:
    """Run what is missing, inside `tx`. Whoever comes second waits, and finds nothing left to do."""
    if tx.dialect.name == "postgresql":
        tx.execute(text("SET LOCAL lock_timeout = 0"))
        tx.execute(text("SET LOCAL statement_timeout = 0"))
        tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
    found = revision(tx)
    if found is not None and found >= HEAD:
        require_current(tx)
        return
    _run_alembic(tx)


def _run_alembic(tx: Connection) -> None:
    # Imported where it is needed: opening a current ledger never pays for it.
    from alembic import command
    from alembic.config import Config

    import migrations

    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["connection"] = tx
    command.upgrade(config, "head")
