"""Points of time as people type them."""

from datetime import UTC, datetime, timedelta

from scoring.core.durations import seconds
from scoring.core.errors import UsageError


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
