"""One metric of one chunk or one job."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A value, or the reason why there is none; never NaN."""

    # Name as in CONTRACT section 7, or "confusion_matrix".
    metric: str
    value: float | None
    # Rows that the value is taken over: scored, labelled, and with a label that the model knows.
    rows: int
    # rows / rows scored; None where nothing was scored.
    coverage: float | None
    # Why `value` is None; None where it has one.
    reason: str | None = None
    # The true value lies within value ± bound; None where it is exact but for rounding.
    bound: float | None = None
    # confusion_matrix: {"labels": [...], "counts": [[...]]}, a row per true class, a column per predicted class.
    detail: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Value:
    """What a metric's formula gave, before it is a figure of some rows."""

    metric: str
    value: float | None
    reason: str | None = None
    bound: float | None = None
    detail: Mapping[str, Any] | None = None


def ratio(metric: str, numerator: float, denominator: float, *, reason: str) -> Value:
    """numerator / denominator, or NULL for `reason` where nothing can be divided."""
    if denominator == 0:
        return Value(metric=metric, value=None, reason=reason)
    return Value(metric=metric, value=numerator / denominator)


def as_figure(value: Value, rows: int, coverage: float | None) -> Figure:
    finite = value.value is None or math.isfinite(value.value)
    return Figure(
        metric=value.metric,
        value=value.value if finite else None,
        rows=rows,
        coverage=coverage,
        reason=value.reason if finite else "the sums left the range of a 64-bit number",
        bound=value.bound,
        detail=value.detail,
    )
