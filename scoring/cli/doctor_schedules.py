"""What `scoring doctor` says of schedules: whether anybody fires them, and how the last day went."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from scoring.cli.doctor_check import Check, passed, warning
from scoring.core.errors import SettingsError
from scoring.settings import Settings

if TYPE_CHECKING:
    from scoring.ledger.schedule_health import ScheduleHealth


def check_schedules(settings: Settings) -> Iterator[Check]:
    """Raises LedgerAway."""
    found = _health(settings)
    if found is None:
        return
    if not found.firing + found.paused:
        yield passed("schedules", "there is none")
        return
    paused = f", and {_many(found.paused, 'paused one')}" if found.paused else ""
    have = f"{_many(found.firing, 'schedule')}{paused}"
    if found.firing and not found.schedulers:
        yield warning(
            "schedules",
            f"{have}; no scheduler seen in the last minute",
            "nobody fires them; start one: scoring scheduler",
        )
    else:
        seen = "; a scheduler was seen in the last minute" if found.schedulers else ""
        yield passed("schedules", f"{have}{seen}")
    undone = [f"{_many(count, 'slot')} {what}" for what, count in found.undone.items() if count]
    if undone:
        remedy = "scoring schedule list, then scoring schedule show NAME for the reasons"
        yield warning("schedules", f"in the last day {' and '.join(undone)}", remedy)


def _health(settings: Settings) -> "ScheduleHealth | None":
    """None where the ledger is not this program's: the check of the ledger says so."""
    from scoring.ledger import schema_version
    from scoring.ledger.database import Ledger
    from scoring.ledger.schedule_health import ScheduleHealth, schedule_health

    url = settings.database_url
    if url.startswith("sqlite") and not Path(url.removeprefix("sqlite:///")).exists():
        return ScheduleHealth()
    try:
        schema_version.check(url)
    except SettingsError:
        return None
    ledger = Ledger.open(url)
    try:
        return ledger.look(schedule_health)
    finally:
        ledger.close()


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
