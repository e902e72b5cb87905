"""Texts with the slot in them: `{slot:%Y-%m-%d}`, `{slot-1d:%Y-%m-%d}`, `{name}`; `{{` and `}}` are literal braces."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from difflib import get_close_matches

from scoring.core.errors import UsageError

PLAIN = "%Y%m%dT%H%M%S"
"""How `{slot}` without a format is written."""

DIRECTIVES = {
    "%Y": "year",
    "%m": "month, 01-12",
    "%d": "day, 01-31",
    "%H": "hour, 00-23",
    "%M": "minute",
    "%S": "second",
    "%y": "year, two digits",
    "%j": "day of the year, 001-366",
    "%G": "year of the ISO week",
    "%V": "ISO week, 01-53",
    "%u": "day of the week, 1 is Monday",
    "%z": "offset from UTC, +0100",
    "%s": "seconds since 1970",
    "%%": "a per cent sign",
}
"""Numbers only, and the same on every platform: names of days and months would follow the machine's language."""

KNOWN = "{slot}, {slot:%Y-%m-%d}, {slot-1d:%Y-%m-%d} with units m, h, d, w, and {name}"

_PIECE = re.compile(r"\{\{|\}\}|\{[^{}]*\}?|\}")
_SLOT = re.compile(r"slot(?:(?P<sign>[+-])(?P<count>\d{1,5})(?P<unit>[mhdw]))?(?::(?P<format>.+))?", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class SlotField:
    """One `{slot…}`: the slot, moved by `count` units, in a format of DIRECTIVES and plain characters."""

    # Minutes and hours are real time; days and weeks are steps on the calendar of the zone.
    unit: str = "d"
    # Below zero: back.
    count: int = 0
    format: str = PLAIN

    def expand(self, slot: datetime, where: tzinfo) -> str:
        local = self._moved(slot.astimezone(UTC), where)
        return "".join(_write(piece, local) for piece in _directives(self.format))

    def _moved(self, slot: datetime, where: tzinfo) -> datetime:
        if self.unit in "mh":
            return (slot + timedelta(minutes=self.count * (60 if self.unit == "h" else 1))).astimezone(where)
        local = slot.astimezone(where)
        # A sum, even with no days, forgets which of the two passes through a doubled hour it is.
        return local + timedelta(days=self.count * (7 if self.unit == "w" else 1)) if self.count else local


Piece = str | SlotField
"""A literal text, `{name}` as NAME, or a slot."""

NAME = "{name}"


def pieces(text: str) -> list[Piece]:
    """The template, cut. A literal `{name}` cannot come out of `{{name}}`: braces stand alone. Raises UsageError."""
    found: list[Piece] = []
    end = 0
    for match in _PIECE.finditer(text):
        if match.start() > end:
            found.append(text[end : match.start()])
        found.append(_piece(match[0], text))
        end = match.end()
    if end < len(text):
        found.append(text[end:])
    return found


def check(text: str) -> None:
    """Raises UsageError that names the first piece that is none of KNOWN."""
    pieces(text)


def expand(text: str, *, name: str, slot: datetime, zone: tzinfo) -> str:
    """The text for one slot, which is written on the calendar and the clock of `zone`. Raises UsageError."""
    return "".join(_text(piece, name, slot, zone) for piece in pieces(text))


def _text(piece: Piece, name: str, slot: datetime, where: tzinfo) -> str:
    if isinstance(piece, SlotField):
        try:
            return piece.expand(slot, where)
        except OverflowError:
            raise UsageError(
                "a template", expected="a slot that a calendar knows", got=str(piece), remedy="use a smaller step"
            ) from None
    return name if piece == NAME else piece


def _piece(piece: str, text: str) -> Piece:
    if piece in ("{{", "}}"):
        return piece[0]
    if piece == NAME:
        return NAME
    match = _SLOT.fullmatch(piece[1:-1]) if piece.endswith("}") and len(piece) > 1 else None
    if match is None:
        raise _unknown(piece, text)
    form = match["format"] or PLAIN
    for directive in _directives(form):
        if directive.startswith("%") and directive not in DIRECTIVES:
            raise _refused(f"a format of {' '.join(DIRECTIVES)}", f"{directive!r} in {piece}", "for example %Y-%m-%d")
    return SlotField(unit=match["unit"] or "d", count=int((match["sign"] or "") + (match["count"] or "0")), format=form)


def _directives(form: str) -> Iterator[str]:
    return (match[0] for match in re.finditer(r"%.?|[^%]+", form, re.DOTALL))


def _write(directive: str, local: datetime) -> str:
    if not directive.startswith("%"):
        return directive
    if directive == "%Y":
        return f"{local.year:04d}"  # strftime pads it on some platforms only
    if directive == "%s":
        return str(int(local.timestamp()))  # strftime would take the wall clock for that of this machine
    return local.strftime(directive)


def _unknown(piece: str, text: str) -> UsageError:
    if piece in ("{", "}") or not piece.endswith("}"):
        return _refused(KNOWN, f"a lone {piece[0]!r} in {text!r}", "write {{ or }} for the character itself")
    word = re.split(r"[^a-z]", piece[1:-1].lower(), maxsplit=1)[0]
    close = get_close_matches(word, ("slot", "name"), n=1, cutoff=0.5)
    remedy = f"did you mean {{{close[0]}}}?" if close and close[0] != word else "write {{ and }} for literal braces"
    if word == "slot":
        remedy = "for example {slot-1d:%Y-%m-%d}"
    return _refused(KNOWN, piece, remedy)


def _refused(expected: str, got: str, remedy: str) -> UsageError:
    return UsageError("a template", expected=expected, got=got, remedy=remedy)
