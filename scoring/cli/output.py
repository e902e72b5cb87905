"""What commands print on stdout: JSON for programs, aligned columns for people. Facts about the run go to stderr."""

import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import click

from scoring.core.outcome import clean

if TYPE_CHECKING:
    import pyarrow as pa

Row = Mapping[str, object]

WIDEST_CELL = 60
"""Characters of one cell on a terminal; a file or a pipe gets them all."""


def print_json(document: object) -> None:
    """One JSON document and a newline. Times end in Z, what is no number becomes null."""
    click.echo(json_text(document))


def print_json_rows(batches: Iterator["pa.RecordBatch"]) -> None:
    """A bare array of objects, written while the rows are read: its size has no bound."""
    separator = "["
    for batch in batches:
        for row in batch.to_pylist():
            click.echo(separator + json_text(row), nl=False)
            separator = ",\n "
    click.echo("[]" if separator == "[" else "]")


def json_text(document: object) -> str:
    """On one line; whatever a terminal would obey, or show from right to left, is escaped as JSON does it."""
    text = json.dumps(plain(document), ensure_ascii=False)
    return text if text.isprintable() else "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def print_table(rows: Iterable[Row], columns: Sequence[str], *, empty: str = "nothing to show") -> None:
    """Aligned columns under their names; where there is no row, `empty` on stderr."""
    cells = [[cell(row.get(column)) for column in columns] for row in rows]
    if not cells:
        say(empty)
        return
    if sys.stdout.isatty():
        cut = "…" if can_print("…") else "~"
        cells = [
            [text if len(text) <= WIDEST_CELL else text[: WIDEST_CELL - 1] + cut for text in line] for line in cells
        ]
    heads = [one_line(column) for column in columns]
    widths = [max(len(line[i]) for line in (heads, *cells)) for i in range(len(heads))]
    numbers = [all(_is_number(line[i]) for line in cells) for i in range(len(heads))]
    rule = "─" if can_print("─") else "-"
    for line in (heads, [rule * width for width in widths], *cells):
        padded = [
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(line, widths, numbers, strict=True)
        ]
        click.echo("  ".join(padded).rstrip())


def print_facts(facts: Row) -> None:
    """One line for each fact that is known."""
    known = {name: cell(value) for name, value in facts.items() if value is not None and value not in ("", {}, [])}
    width = max(map(len, known), default=0)
    for name, text in known.items():
        click.echo(f"{name.replace('_', ' ').ljust(width)}  {text}")


def can_print(text: str) -> bool:
    """True where stdout's encoding has these characters."""
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def say(text: str) -> None:
    """A sentence for people, on stderr."""
    click.echo(one_line(text), err=True)


def cell(value: object) -> str:
    """One value on one line, with nothing in it that a terminal would obey."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float():
            return "" if math.isnan(value) else f"{value:.6g}"
        case datetime():
            return str(plain(value.replace(microsecond=0)))
        case dict():
            return ", ".join(f"{one_line(str(name))}={cell(item)}" for name, item in value.items())
        case list() | tuple():
            return ", ".join(map(cell, value))
    return one_line(str(plain(value)))


def one_line(text: str) -> str:
    return clean(text).replace("\n", "\\n").replace("\t", "\\t")


def plain(value: object) -> object:
    """The value as JSON knows it."""
    match value:
        case None | bool() | int():
            return value
        case str():
            # Enums are strings too; their plain value is wanted.
            return str(value)
        case float():
            return value if math.isfinite(value) else None
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case datetime():
            return _iso(value)
        case date():
            return value.isoformat()
        case bytes():
            return value.hex()
        case Mapping():
            return {str(name): plain(item) for name, item in value.items()}
        case Sequence():
            return [plain(item) for item in value]
    return str(value)


def _iso(time: datetime) -> str:
    # A time without a zone is the user's own, from an input column: its zone is not ours to name.
    return time.isoformat() if time.tzinfo is None else time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _is_number(text: str) -> bool:
    return not text or text.replace("e", "", 1).replace(".", "", 1).replace("-", "").replace("+", "").isdecimal()
