"""model.yaml: what the model file itself cannot say."""

import difflib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from scoring.core.binding import Task
from scoring.core.errors import InputMissing, ModelRefused

_KEYS = ("features", "inputs", "classes", "task", "rename", "fill")
_LATER = ("categories", "prepare")


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """All of it optional."""

    # Columns of the only matrix input, in tensor order.
    features: tuple[str, ...] = ()
    # Model input → its columns, in tensor order.
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # Class names in probability order; the last one is the positive class.
    classes: tuple[str, ...] = ()
    task: Task | None = None
    # Column of the result → the name that it gets instead.
    rename: Mapping[str, str] = field(default_factory=dict)
    # Column → what a null in it becomes, as text.
    fill: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "ModelSpec":
        return cls(
            features=tuple(data["features"]),
            inputs={name: tuple(columns) for name, columns in data["inputs"].items()},
            classes=tuple(data["classes"]),
            task=Task(data["task"]) if data["task"] else None,
            rename=dict(data["rename"]),
            fill=dict(data["fill"]),
        )


def load_spec(path: str | Path | None) -> ModelSpec:
    """The spec in a file; an empty one for None. InputMissing, or ModelRefused naming the line that does not fit."""
    if path is None:
        return ModelSpec()
    import yaml

    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputMissing(f"no spec at {path}", expected="a model.yaml", remedy="check the path") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _bad("the file", "YAML", str(error).replace("\n", " ")[:200]) from error
    if data is None:
        return ModelSpec()
    if not isinstance(data, dict):
        raise _bad("the file", "keys and values", type(data).__name__)
    _check_keys([str(key) for key in data])
    return ModelSpec(
        features=_names("features", data.get("features")),
        inputs={name: _names(f"inputs: {name}", columns) for name, columns in _map("inputs", data).items()},
        classes=_names("classes", data.get("classes")),
        task=_task(data.get("task")),
        rename={name: _text(f"rename: {name}", value) for name, value in _map("rename", data).items()},
        fill={name: _text(f"fill: {name}", value) for name, value in _map("fill", data).items()},
    )


def _check_keys(keys: list[str]) -> None:
    for key in keys:
        if key in _LATER:
            raise _bad(f"key {key!r}", "one of " + ", ".join(_KEYS), "a key that this version does not read yet")
        if key not in _KEYS:
            near = difflib.get_close_matches(key, _KEYS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "take it out"
            raise _bad(f"unknown key {key!r}", "one of " + ", ".join(_KEYS), repr(key), remedy=hint)


def _map(key: str, data: Mapping[str, Any]) -> dict[str, Any]:
    value = data.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _bad(key, "name: value pairs", type(value).__name__)
    return {_text(key, name): item for name, item in value.items()}


def _names(key: str, value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        value = [value]
    names = tuple(_text(key, item) for item in value)
    if len(set(names)) < len(names):
        raise _bad(key, "each name once", ", ".join(names)[:200])
    return names


def _text(key: str, value: Any) -> str:
    # YAML reads a bare yes, no, on and off as true and false: the name would be lost.
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _bad(key, "text or numbers", repr(value), remedy="put the name in quotes, such as 'no'")
    return str(value)


def _task(value: Any) -> Task | None:
    if value is None or value == "auto":
        return None
    if value not in [task.value for task in Task]:
        raise _bad("task", "auto, binary, multiclass or regression", repr(value))
    return Task(value)


def _bad(what: str, expected: str, got: str, *, remedy: str = "correct model.yaml") -> ModelRefused:
    return ModelRefused(f"the model's spec: {what}", expected=expected, got=got, remedy=remedy)
