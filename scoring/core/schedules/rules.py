"""What the single words of a schedule's definition may be. Each check raises UsageError that names its option."""

import re

from scoring.core.durations import seconds
from scoring.core.errors import UsageError

WALL_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)
"""A time of the clock: hours, minutes."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_KEEP = re.compile(r"[1-9]\d{0,8}d?", re.ASCII)


def check_name(name: str) -> None:
    """It stands in paths and in the names of other schedulers' files."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            "the name of a schedule",
            expected="at most 63 of a-z, 0-9, `_`, `.`, `-`, a letter or a digit first",
            got=repr(name),
            remedy="for example churn-nightly",
        )


def check_inputs(inputs: tuple[str, ...]) -> None:
    if not inputs:
        raise UsageError("--input", expected="one input or more", got="none", remedy="name files, folders or globs")
    if "-" in inputs:
        raise UsageError("--input", expected="files", got="-, standard input", remedy="a schedule reads files alone")


def check_length(option: str, length: float | None) -> None:
    """Longer than nothing, and no longer than a calendar can count."""
    if length is not None and not 0 < length <= _LONGEST_SECONDS:
        raise UsageError(option, expected="more than 0, at most 3650d", got=f"{length:g}s", remedy="leave it out")


def check_keep(text: str | None) -> None:
    if text is not None and not _KEEP.fullmatch(text):
        raise UsageError(
            "--keep",
            expected="batches such as 30, or days such as 30d",
            got=repr(text),
            remedy="leave it out to keep all",
        )


def check_expectation(text: str | None) -> None:
    if text is None or WALL_TIME.fullmatch(text):
        return
    try:
        length = seconds("--expect-by", text)
    except UsageError:
        length = None
    if not length:
        raise UsageError(
            "--expect-by", expected="a time such as 06:00, or a duration such as 3h", got=repr(text), remedy="give one"
        )
    check_length("--expect-by", length)


_LONGEST_SECONDS = 3650 * 86_400
