"""Time zones by name."""

from datetime import UTC, tzinfo
from difflib import get_close_matches
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from scoring.core.errors import UsageError


@lru_cache(maxsize=256)
def zone(name: str) -> tzinfo:
    """The zone of that name, `UTC` even where the machine has no zone data. Raises UsageError."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        # KeyError: no such zone; the others: a path, a folder of zones, a file that holds no zone.
        raise UsageError(
            "--timezone", expected="the name of a time zone, such as Europe/Berlin", got=repr(name), remedy=_near(name)
        ) from None


def _near(name: str) -> str:
    known = {zone.lower(): zone for zone in available_timezones()}
    if not known:
        return "this machine has no time zone data: install its tzdata package, or `pip install tzdata`"
    cities = {zone.rpartition("/")[2]: known[zone] for zone in known}
    close = get_close_matches(name.lower(), known, n=1) or get_close_matches(name.lower(), cities, n=1)
    return f"did you mean {known.get(close[0]) or cities[close[0]]}?" if close else "or leave it out: UTC"
