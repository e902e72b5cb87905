"""What a command opens before it acts, and closes whatever happens."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from scoring.core.errors import SettingsError
from scoring.settings import Settings, load_settings

if TYPE_CHECKING:
    from scoring.ledger.database import Ledger
    from scoring.pipeline.context import Context


@contextmanager
def open_ledger() -> Iterator["Ledger"]:
    """The ledger alone, for questions: it needs no model runtime and no broker."""
    from scoring.ledger.database import Ledger

    settings = checked_settings()
    ledger = Ledger.open(settings.database_url)
    try:
        yield ledger
    finally:
        ledger.close()


@contextmanager
def open_session() -> Iterator["Context"]:
    """All that a story needs."""
    from workers.process import open_context

    context = open_context(checked_settings())
    try:
        yield context
    finally:
        context.ledger.close()


def checked_settings() -> Settings:
    """The settings, with log lines as they ask for and the embedded home in place."""
    from scoring import telemetry

    settings = load_settings()
    telemetry.configure(settings.log_format, level=telemetry.WARNING)
    try:
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"cannot make {settings.home}",
            got=error.strerror or str(error),
            remedy="set SCORING_HOME to another folder",
        ) from error
    return settings
