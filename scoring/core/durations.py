"""Lengths of time as people type them."""

import re

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


def in_units(length: float) -> str:
    """As `seconds` reads it, in the largest unit that needs no fraction: 1800 is `30m`."""
    for unit in ("d", "h", "m"):
        if length and length % _UNITS[unit] == 0:
            return f"{int(length // _UNITS[unit])}{unit}"
    return f"{length:g}s"
