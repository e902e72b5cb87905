"""From the flat arguments that the command line and Python share to a checked JobOptions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

from scoring.core.columns import Lossy, NanOutput
from scoring.core.errors import UsageError
from scoring.core.gates import Requirement
from scoring.core.options import CsvDialect, JobOptions, NullRule, RejectLimit
from scoring.core.states import Priority

TABS = ("\\t", "tab", "TAB")
"""How a shell user writes the delimiter that is hard to type."""


def job_options(**arguments: object) -> JobOptions:
    """Options from arguments by name: JobOptions' and CsvDialect's fields, `strict`, `no_header`, `no_raw` and `tag`.

    Values may be text, as on a command line, or plain Python values; None means the default. Lists may be given as one
    text with commas (`columns`) or as one value (`key`). Raises UsageError for an unknown name or a wrong value.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    _known(given)
    if given.pop("strict", False):
        if "max_rejected" in given:
            raise UsageError(
                "--strict", expected="no --max-rejected beside it", got="both", remedy="it means --max-rejected 0"
            )
        given["max_rejected"] = "0"
    if "no_header" in given:
        given["header"] = not given.pop("no_header")
    if "no_raw" in given:
        given["raw"] = not given.pop("no_raw")
    if "tag" in given:
        given["tags"] = given.pop("tag")
    if given.get("format") == "delta":
        # CONTRACT has `--format` for the inputs; of all formats only this one can be meant for the result alone.
        del given["format"]
        given["output_format"] = "delta"
    if given.get("chunk_rows") == "auto":
        del given["chunk_rows"]
    values = {name: _READ.get(name, _as_it_is)(value) for name, value in given.items()}
    dialect = {name: values.pop(name) for name in _DIALECT if name in values}
    return JobOptions(**values, dialect=CsvDialect(**dialect))


_DIALECT = tuple(field.name for field in fields(CsvDialect))
_NAMES = (
    *(field.name for field in fields(JobOptions) if field.name != "dialect"),
    *_DIALECT,
    "strict",
    "no_header",
    "no_raw",
    "tag",
)


def _known(given: Mapping[str, object]) -> None:
    for name in given:
        if name not in _NAMES:
            close = get_close_matches(name, _NAMES, n=1)
            raise UsageError(
                f"there is no option {name!r}",
                expected="one of " + ", ".join(sorted(_NAMES)),
                got=name,
                remedy=f"did you mean {close[0]!r}?" if close else "leave it out",
            )


def _as_it_is(value: Any) -> Any:
    return value


def _texts(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(str(item) for item in value)


def _columns(value: Any) -> tuple[str, ...]:
    return tuple(value.split(",")) if isinstance(value, str) else _texts(value)


def _delimiter(value: Any) -> str:
    return "\t" if value in TABS else str(value)


def _nulls(value: Any) -> NullRule:
    return value if isinstance(value, NullRule) else NullRule.parse(str(value))


def _reject_limit(value: Any) -> RejectLimit:
    if isinstance(value, float) and 0 <= value <= 1:
        return RejectLimit(fraction=value)
    return value if isinstance(value, RejectLimit) else RejectLimit.parse(str(value))


def _one_of(option: str, choices: type[StrEnum]) -> Callable[[Any], StrEnum]:
    def read(value: Any) -> StrEnum:
        if value not in set(choices):
            *others, last = choices
            expected = f"{', '.join(others)} or {last}"
            raise UsageError(option, expected=expected, got=repr(value), remedy="choose one of them")
        return choices(value)

    return read


def _tags(value: Any) -> tuple[tuple[str, str], ...]:
    if isinstance(value, Mapping):
        return tuple((str(name), str(tag)) for name, tag in value.items())
    return tuple(_tag(item) for item in _texts(value))


def _tag(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise UsageError("--tag", expected="NAME=VALUE", got=repr(text), remedy="for example --tag team=growth")
    return name, value


def _requirements(value: Any) -> tuple[Requirement, ...]:
    items: Sequence[Any] = (value,) if isinstance(value, str | Requirement) else tuple(value)
    return tuple(item if isinstance(item, Requirement) else Requirement.parse(str(item)) for item in items)


def _count(option: str) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        try:
            return int(value)
        except (TypeError, ValueError):
            raise UsageError(
                option, expected="a whole number", got=repr(value), remedy=f"for example {option} 1000"
            ) from None

    return read


_READ: Mapping[str, Callable[[Any], Any]] = {
    "key": _texts,
    "keep": _texts,
    "na": _texts,
    "columns": _columns,
    "delimiter": _delimiter,
    "nulls": _nulls,
    "max_rejected": _reject_limit,
    "priority": _one_of("--priority", Priority),
    "lossy": _one_of("--lossy", Lossy),
    "nan_output": _one_of("--nan-output", NanOutput),
    "tags": _tags,
    "require": _requirements,
    "chunk_rows": _count("--chunk-rows"),
    "limit": _count("--limit"),
    "skip_lines": _count("--skip-lines"),
    "output": str,
    "spec": str,
    "to_table": str,
}
