"""Quality gates: ``--require 'accuracy>=0.9'``."""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from scoring.core.errors import UsageError

METRICS = (
    "accuracy",
    "precision",
    "recall",
    "f1",
    "roc_auc",
    "log_loss",
    "brier",
    "macro_f1",
    "top3_accuracy",
    "mae",
    "rmse",
    "r2",
    "mape",
    "bias",
)

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
    "==": operator.eq,
}
_GRAMMAR = re.compile(r"\s*(\w+)\s*(>=|<=|==|>|<)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*")


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """METRIC COMPARISON NUMBER, as in ``accuracy>=0.9``."""

    metric: str
    comparison: str
    number: float

    @classmethod
    def parse(cls, text: str) -> "Requirement":
        match = _GRAMMAR.fullmatch(text)
        if match is None or match[1] not in METRICS:
            raise UsageError(
                "--require",
                expected="METRIC (>=|>|<=|<|==) NUMBER with a metric of " + ", ".join(METRICS),
                got=repr(text),
                remedy="for example --require 'accuracy>=0.9'",
            )
        return cls(metric=match[1], comparison=match[2], number=float(match[3]))

    def holds(self, metrics: Mapping[str, float | None]) -> bool:
        """True where the metric has a value that satisfies the comparison; NULL counts as missed."""
        value = metrics.get(self.metric)
        return value is not None and _COMPARE[self.comparison](value, self.number)

    def __str__(self) -> str:
        return f"{self.metric}{self.comparison}{self.number:g}"
