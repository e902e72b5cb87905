"""Every fault of a schedule as it is written, where `read` stops at the first.

A fault is blamed on the option without which it is gone; the search goes on without that option.
"""

from collections.abc import Collection, Mapping
from typing import Any

from scoring.cli.schedule_fields import Written, read
from scoring.core.errors import UsageError
from scoring.core.schedules.rules import check_name

Fault = tuple[str | None, UsageError]
"""The option to blame, if one is."""

_NEEDED: Mapping[str, Any] = {"cron": "@daily", "model": "m", "input": ("/i",)}
"""What no schedule is without, in a form that has no fault."""

_NAME = "a"


def every_fault(name: str, written: Written, *, unread: Collection[str] = ()) -> list[Fault]:
    """What keeps `read` from making the definition. unread: options that are there, but whose values are known bad."""
    faults: list[Fault] = []
    try:
        check_name(name)
    except UsageError as bad_name:
        faults.append((None, bad_name))
    rest = {**{option: value for option, value in _NEEDED.items() if option in unread}, **written}
    while (error := _refusal(rest)) is not None:
        blamed = _to_blame(rest, error)
        faults.append((blamed, error))
        if blamed is None:
            break
        rest = _without(rest, blamed)
    return faults


def _refusal(written: Written) -> UsageError | None:
    try:
        read(_NAME, written)
    except UsageError as error:
        return error
    return None


def _to_blame(written: Written, error: UsageError) -> str | None:
    """The option that is named in the error before others, what is needed last: it may be missing."""
    options = sorted({*written, *_NEEDED}, key=lambda option: (not _names(error, option), option in _NEEDED, option))
    return next((option for option in options if str(_refusal(_without(written, option))) != str(error)), None)


def _without(written: Written, option: str) -> dict[str, Any]:
    rest = {name: value for name, value in written.items() if name != option}
    return {**rest, option: _NEEDED[option]} if option in _NEEDED else rest


def _names(error: UsageError, option: str) -> bool:
    return f"--{option.replace('_', '-')}" in error.message
