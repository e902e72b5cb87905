"""A file of schedules: YAML to definitions, and every problem of it named at once, with its line."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from scoring.cli.schedule_faults import every_fault
from scoring.cli.schedule_fields import JOB, check_names, near, read, rooted
from scoring.core.errors import InputMissing, ScoringError, UsageError
from scoring.core.schedules.definition import ScheduleDefinition

MOST_SHOWN = 8
"""Problems named in one message; an error has twelve lines at most."""

_NULLS = ("null", "Null", "NULL", "~")
"""What YAML takes for nothing, unless it is quoted."""

_TRUE, _FALSE = ("true", "yes", "on"), ("false", "no", "off", "")
_LISTS = ("input", *(name for name, settings in JOB.items() if settings.get("multiple")))
_FLAGS = tuple(name for name, settings in JOB.items() if settings.get("is_flag"))


@dataclass(kw_only=True)
class Problems:
    """What is wrong with a file. Collected, so that one reading names it all."""

    file: str
    # Line of the file and what is wrong there.
    found: list[tuple[int, str]] = field(default_factory=list)

    def add(self, node: yaml.Node | None, where: str, error: ScoringError | str) -> None:
        line = node.start_mark.line + 1 if node is not None else 1
        self.found.append((line, f"line {line}: {where}: {error}"))

    def check(self) -> None:
        """Raises UsageError that names them all, or the first ones and how many more there are."""
        if self.found:
            lines = [text for _, text in sorted(self.found)]
            more = [f"and {len(lines) - MOST_SHOWN} more"] if len(lines) > MOST_SHOWN else []
            raise UsageError(
                f"{self.file} has {len(lines)} problem{'s' if len(lines) > 1 else ''}",
                expected="a file of schedules (docs/schedules.md)",
                got="\n".join([*lines[:MOST_SHOWN], *more]),
                remedy="correct the file; nothing was changed",
            )


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One schedule of the file and where it stands."""

    name: str
    # None: something is wrong with it.
    definition: ScheduleDefinition | None = None
    # As far as they could be read; paths are absolute.
    model: str | None = None
    spec: str | None = None
    model_at: yaml.Node


def read_file(path: Path) -> tuple[list[Entry], Problems]:
    """The schedules of the file, and all that is wrong with them but their models. Paths count from its folder.

    Raises InputMissing where there is no such file, UsageError where it is no YAML.
    """
    problems = Problems(file=str(path))
    base = path.absolute().parent
    return [_entry(name, node, base, problems) for name, node in _schedules(_compose(path), problems)], problems


def _compose(path: Path) -> yaml.Node | None:
    try:
        # Texts as they are written: YAML would read 10:30 as 630, and `no` as false.
        return yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    except FileNotFoundError:
        raise InputMissing(f"no file {path}", expected="a file of schedules", remedy="check the path") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is no YAML", expected="YAML in UTF-8", got=str(error), remedy="correct it") from None


def _schedules(root: yaml.Node | None, problems: Problems) -> Iterator[tuple[str, yaml.MappingNode]]:
    if not isinstance(root, yaml.MappingNode):
        problems.add(root, "the file", "`schedules:` with a name for each below it was expected")
        return
    for name, node in _pairs(root, "the file", problems):
        if name.startswith("x-"):
            continue  # a place for anchors
        if name != "schedules" or not isinstance(node, yaml.MappingNode):
            problems.add(node, name, "`schedules:` with names below it, or x-… for anchors, was expected")
            continue
        for schedule, fields in _pairs(node, "schedules", problems):
            if isinstance(fields, yaml.MappingNode):
                yield schedule, fields
            else:
                problems.add(fields, schedule, "options below the name were expected")


def _entry(name: str, node: yaml.MappingNode, base: Path, problems: Problems) -> Entry:
    written: dict[str, Any] = {}
    nodes: dict[str, yaml.Node] = {}
    unread: set[str] = set()
    for key, value in _merged(node, name, problems):
        option = key.replace("-", "_")
        nodes[option] = value
        try:
            check_names({option: ()})
            written[option] = _value(option, value)
        except UsageError as error:
            unread.add(near(option) or option)
            problems.add(value, f"{name}.{key}", error)
    written = rooted({option: value for option, value in written.items() if value is not False}, base)
    faults = every_fault(name, written, unread=unread)
    for blamed, fault in faults:
        problems.add(nodes.get(blamed or "", node), name, fault)
    definition = None if unread or faults else read(name, written)
    model_at = nodes.get("model", node)
    return Entry(
        name=name, definition=definition, model=written.get("model"), spec=written.get("spec"), model_at=model_at
    )


def _merged(node: yaml.MappingNode, where: str, problems: Problems) -> list[tuple[str, yaml.Node]]:
    """The pairs that `<<` brings in, the first mapping's last, and then the mapping's own: the last one counts."""
    own, below = [], []
    for key, value in _pairs(node, where, problems):
        if key != "<<":
            own.append((key, value))
            continue
        for other in value.value if isinstance(value, yaml.SequenceNode) else [value]:
            if isinstance(other, yaml.MappingNode):
                below += _pairs(other, where, problems)
            else:
                problems.add(other, where, "a mapping was expected after <<")
    return [*reversed(below), *own]


def _pairs(node: yaml.MappingNode, where: str, problems: Problems) -> list[tuple[str, yaml.Node]]:
    pairs: dict[str, yaml.Node] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            problems.add(key, where, "a name was expected")
        elif key.value in pairs:
            problems.add(key, where, f"{key.value!r} stands here twice")
        else:
            pairs[key.value] = value
    return list(pairs.items())


def _value(option: str, node: yaml.Node) -> Any:
    if option in _FLAGS:
        return _flag(option, node)
    if option in _LISTS:
        return _texts(option, node)
    text = _text(option, node)
    kind = JOB.get(option, {}).get("type")
    try:
        return kind(text) if kind is not None and text else text
    except ValueError:
        raise UsageError(f"--{option}", expected="a number", got=repr(text), remedy="give a number") from None


def _flag(option: str, node: yaml.Node) -> bool:
    text = _text(option, node).lower()
    if text not in (*_TRUE, *_FALSE):
        raise UsageError(option, expected="true or false", got=repr(text), remedy="give one of them")
    return text in _TRUE


def _texts(option: str, node: yaml.Node) -> tuple[str, ...]:
    if isinstance(node, yaml.SequenceNode):
        return tuple(_text(option, item) for item in node.value)
    if option == "tag" and isinstance(node, yaml.MappingNode):
        return tuple(f"{_text(option, key)}={_text(option, value)}" for key, value in node.value)
    return (_text(option, node),)


def _text(option: str, node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        if node.style is None and node.value in _NULLS:
            raise UsageError(
                option, expected="a text", got=node.value, remedy=f'leave the line out, or quote it: "{node.value}"'
            )
        return str(node.value)
    raise UsageError(option, expected="a text", got="something with parts", remedy="write one value")
