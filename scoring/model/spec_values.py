"""Values of model.yaml, each with the words for one that does not fit."""

import difflib
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scoring.core.errors import ModelRefused

_SPEC = "the model's spec: "
_SIZE = re.compile("[1-9][0-9]{0,9}")


def bad(what: str, expected: str, got: str, *, remedy: str = "correct model.yaml") -> ModelRefused:
    return ModelRefused(f"{_SPEC}{what}", expected=expected, got=got, remedy=remedy)


@contextmanager
def naming(path: str | Path) -> Iterator[None]:
    """What is refused of a spec in the block is told with the file that it stands in."""
    try:
        yield
    except ModelRefused as refused:
        told = f"{path}: {refused.message.removeprefix(_SPEC)}"
        raise ModelRefused(told, expected=refused.expected, got=refused.got, remedy=refused.remedy) from refused


def check_keys(where: str, keys: Iterable[Any], known: Sequence[str]) -> None:
    """ModelRefused for the first key that is none of `known`. where: the key that they stand under, or empty."""
    for key in keys:
        if key not in known:
            what = f"{where}: unknown key {key!r}" if where else f"unknown key {key!r}"
            raise bad(what, "one of " + ", ".join(known), repr(key), remedy=near(str(key), known) or "take it out")


def near(name: str, known: Iterable[str]) -> str:
    """A question that names the likeliest of `known`, or an empty text."""
    found = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {found[0]!r}?" if found else ""


def text(key: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        got = "nothing" if value is None else repr(value)[:80]
        raise bad(key, "text or a number", got, remedy="put a name that YAML takes for null in quotes, such as 'null'")
    return str(value)


def column_name(key: str, value: Any) -> str:
    found = text(key, value)
    if not found.strip():
        raise bad(key, "a name", repr(found))
    return found


def names(key: str, value: Any) -> tuple[str, ...]:
    """One name or a list of them, each once."""
    if value is None:
        return ()
    found = tuple(text(key, item) for item in (value if isinstance(value, list) else [value]))
    if len(set(found)) < len(found):
        raise bad(key, "each name once", ", ".join(found)[:200])
    return found


def mapping(key: str, value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise bad(key, "name: value pairs", type(value).__name__)
    return {text(key, name): item for name, item in value.items()}


def choice(key: str, value: Any, choices: Sequence[str]) -> str:
    word = text(key, value)
    if word not in choices:
        remedy = near(word, choices) or "correct model.yaml"
        raise bad(key, " or ".join((", ".join(choices[:-1]), choices[-1])), repr(word), remedy=remedy)
    return word


def number(key: str, value: Any) -> float:
    try:
        found = float(text(key, value))
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise bad(key, "a number", repr(value))
    return found


def sizes(key: str, value: Any) -> tuple[int, ...]:
    """Whole numbers from 1."""
    found = tuple(text(key, item) for item in (value if isinstance(value, list) else [value]))
    if not found or not all(_SIZE.fullmatch(size) for size in found):
        raise bad(key, "sizes of the axes of one row, such as [3, 32, 32]", str(value)[:80])
    return tuple(map(int, found))
