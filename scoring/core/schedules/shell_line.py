"""A schedule's job as one line for a shell: `submit-job …`, the slot read from the clock by `date`."""

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from scoring.core.errors import UsageError
from scoring.core.schedules.definition import TEMPLATED, ScheduleDefinition
from scoring.core.schedules.templates import NAME, Piece, SlotField, pieces

KEY = "{name}-{slot:%Y-%m-%dT%H:%M%z}"
"""The idempotency key where the schedule has none: a line that is run twice makes one job."""

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_EPOCH = re.compile(r"(?<!%)((?:%%)*)%s")


def shell_line(definition: ScheduleDefinition) -> str:
    """A command for sh, every word quoted; needs GNU date. Raises UsageError for a line break in a word."""
    words = [_word(argument, definition) for argument in _arguments(definition)]
    line = " ".join(["submit-job", *words])
    if "\n" in line or "\r" in line:
        raise UsageError("export", expected="one line", got="a line break in a path or an option", remedy="rename it")
    return line


def _arguments(definition: ScheduleDefinition) -> Iterator[Sequence[Piece]]:
    """What `submit-job` is to get, templates cut into pieces; options before `--`: a path may start with `-`."""
    for name, value in {"idempotency_key": KEY, **definition.arguments}.items():
        option = f"--{name.replace('_', '-')}"
        if value is True:
            yield [option]
            continue
        for item in value if isinstance(value, tuple) else (value,):
            yield [f"{option}=", *_value(name, item)]
    yield ["--wait"]
    yield ["--"]
    yield [definition.model]
    yield from map(pieces, definition.inputs)


def _value(name: str, value: Any) -> list[Piece]:
    return pieces(value) if name in TEMPLATED else [str(value)]


def _word(argument: Sequence[Piece], definition: ScheduleDefinition) -> str:
    parts: list[str | SlotField] = []
    for piece in argument:
        text = definition.name if piece == NAME else piece
        if parts and isinstance(text, str) and isinstance(parts[-1], str):
            parts[-1] += text
        else:
            parts.append(text)
    quoted = (shlex.quote(part) if isinstance(part, str) else _date(part, definition.timezone) for part in parts)
    return "".join(quoted) or "''"


def _date(field: SlotField, timezone: str) -> str:
    """The slot is the minute in which the line runs: its seconds are none."""
    form = field.format.replace("%S", "00")
    moved = f" -d '{field.count:+d} {_UNITS[field.unit]}'" if field.count else ""
    date = f"TZ={shlex.quote(timezone)} date{moved}"
    pieces = _EPOCH.split(form)
    # Odd pieces are the %% before a %s.
    texts = [pieces[i] + (pieces[i + 1] if i + 1 < len(pieces) else "") for i in range(0, len(pieces), 2)]
    seconds = f'"$(($({date} +%s) / 60 * 60))"'
    return seconds.join(f'"$({date} +{shlex.quote(text)})"' if text else "" for text in texts)
