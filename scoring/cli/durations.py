"""Lengths and points of time as people type them."""

import re
from datetime import UTC, datetime, timedelta

from scoring.core.errors import UsageError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def seconds(option: str, text: str | None) -> float | None:
    """`90`, `90s`, `30m`, `2h`, `1d` as seconds; None stays None. Raises UsageError that names `option`."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd]?)", text.strip())
    if match is None:
        raise UsageError(option, expected="a duration such as 90s, 30m, 2h or 1d", got=repr(text), remedy="give one")
    return float(match[1]) * _UNITS[match[2] or "s"]


def point_in_time(option: str, text: str | None, *, now: datetime) -> datetime | None:
    """A duration before `now`, or an ISO date or time (UTC unless it names its zone). Raises UsageError."""
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
        return time if time.tzinfo else time.replace(tzinfo=UTC)
    except ValueError:
        pass
    try:
        length = seconds(option, text)
    except UsageError:
        raise UsageError(
            option, expected="2h, 7d, 2026-01-31 or 2026-01-31T06:00", got=repr(text), remedy="give one of these forms"
        ) from None
    return now - timedelta(seconds=length or 0.0)
