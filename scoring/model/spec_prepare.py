"""`prepare` of model.yaml: an installed function that makes the features."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scoring.core.columns import Dtype
from scoring.model.spec_values import bad, check_keys, choice, mapping, text

_NAME = r"[A-Za-z_]\w*"
_FUNCTION = re.compile(rf"{_NAME}(\.{_NAME})*:{_NAME}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Prepare:
    """What the hook is, and what it gets."""

    # "module:function".
    function: str
    # Column of the input → its type in the frame. Empty: every column that is neither key, label nor kept.
    columns: Mapping[str, Dtype]

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Prepare":
        return cls(function=data["function"], columns={name: Dtype(dtype) for name, dtype in data["columns"].items()})


def read_prepare(value: Any) -> Prepare | None:
    """`"module:function"`, or `{function: "module:function", columns: {age: float64}}`."""
    if value is None:
        return None
    table = value if isinstance(value, dict) else {"function": value}
    check_keys("prepare", table, ("function", "columns"))
    function = text("prepare: function", table.get("function"))
    if not _FUNCTION.fullmatch(function):
        raise bad("prepare: function", "module:function, such as my_features:prepare", repr(function))
    columns = mapping("prepare: columns", table.get("columns"))
    types = [dtype.value for dtype in Dtype]
    return Prepare(
        function=function,
        columns={name: Dtype(choice(f"prepare: columns: {name}", dtype, types)) for name, dtype in columns.items()},
    )
