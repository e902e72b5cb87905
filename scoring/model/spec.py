"""model.yaml: what the model file itself cannot say."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from scoring.core.binding import Task
from scoring.core.conversions import Categories
from scoring.core.opener import Opener
from scoring.model.spec_conversions import Derived, read_categories, read_derived
from scoring.model.spec_prepare import Prepare, read_prepare
from scoring.model.spec_values import bad, check_keys, choice, column_name, mapping, names, naming, sizes, text
from scoring.model.spec_yaml import read_yaml


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
    # Column → the codes of its values.
    categories: Mapping[str, Categories] = field(default_factory=dict)
    # Feature, which may stand wherever a column may → what it is reckoned from.
    derive: Mapping[str, Derived] = field(default_factory=dict)
    # Model input → sizes of the axes of one row, for axes that the model leaves open.
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    prepare: Prepare | None = None

    def to_json(self) -> dict[str, Any]:
        """Keys of later revisions are left out where they are empty: older specs keep their digest."""
        return {key: value for key, value in asdict(self).items() if value or key not in _LATER}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "ModelSpec":
        return cls(
            features=tuple(data["features"]),
            inputs={name: tuple(columns) for name, columns in data["inputs"].items()},
            classes=tuple(data["classes"]),
            task=Task(data["task"]) if data["task"] else None,
            rename=dict(data["rename"]),
            fill=dict(data["fill"]),
            categories={name: Categories(**table) for name, table in data.get("categories", {}).items()},
            derive={name: Derived.from_json(derived) for name, derived in data.get("derive", {}).items()},
            shapes={name: tuple(shape) for name, shape in data.get("shapes", {}).items()},
            prepare=Prepare.from_json(data["prepare"]) if data.get("prepare") else None,
        )


_LATER = ("categories", "derive", "shapes", "prepare")
_KEYS = tuple(key.name for key in fields(ModelSpec))


def load_spec(path: str | Path | None, opener: Opener | None = None) -> ModelSpec:
    """The spec in a file; an empty one for None. InputMissing, or ModelRefused naming the key that does not fit.

    opener: as `open` takes it.
    """
    if path is None:
        return ModelSpec()
    with naming(path):
        return _spec_of(read_yaml(path, opener))


def _spec_of(data: Any) -> ModelSpec:
    if data is None:
        return ModelSpec()
    if not isinstance(data, dict):
        raise bad("the file", "keys and values", type(data).__name__)
    check_keys("", data, _KEYS)
    tables = {
        key: mapping(key, data.get(key)) for key in _KEYS if key not in ("features", "classes", "task", "prepare")
    }
    return ModelSpec(
        features=names("features", data.get("features")),
        inputs={name: names(f"inputs: {name}", columns) for name, columns in tables["inputs"].items()},
        classes=names("classes", data.get("classes")),
        task=_task(data.get("task")),
        rename={name: column_name(f"rename: {name}", value) for name, value in tables["rename"].items()},
        fill={name: text(f"fill: {name}", value) for name, value in tables["fill"].items()},
        categories={name: read_categories(name, value) for name, value in tables["categories"].items()},
        derive={name: read_derived(name, value) for name, value in tables["derive"].items()},
        shapes={name: sizes(f"shapes: {name}", value) for name, value in tables["shapes"].items()},
        prepare=read_prepare(data.get("prepare")),
    )


def _task(value: Any) -> Task | None:
    if value is None:
        return None
    word = choice("task", value, ("auto", *(task.value for task in Task)))
    return None if word == "auto" else Task(word)
