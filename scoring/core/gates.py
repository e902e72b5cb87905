"""Quality gates: ``--require 'accuracy>=0.9'``."""

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from scoring.core.binding import Task
from scoring.core.errors import UsageError

METRICS: Mapping[Task, tuple[str, ...]] = {
    Task.BINARY: ("accuracy", "precision", "recall", "f1", "roc_auc", "log_loss", "brier"),
    Task.MULTICLASS: ("accuracy", "macro_f1", "log_loss", "top3_accuracy"),
    Task.REGRESSION: ("mae", "rmse", "r2", "mape", "bias"),
}
"""Metrics of each task (CONTRACT section 7)."""

_KNOWN = tuple(dict.fromkeys(metric for metrics in METRICS.values() for metric in metrics))

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
        if match is None or match[1] not in _KNOWN:
            raise UsageError(
                "--require",
                expected="METRIC (>=|>|<=|<|==) NUMBER with a metric of " + ", ".join(_KNOWN),
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


def check_requirements(requirements: Iterable[Requirement], task: Task) -> None:
    """UsageError for a metric that no model of this task has: its gate could only be missed."""
    for requirement in requirements:
        if requirement.metric not in METRICS[task]:
            raise UsageError(
                f"--require {requirement} does not fit the model",
                expected=f"a metric of its task, {task}: " + ", ".join(METRICS[task]),
                got=requirement.metric,
                remedy="choose one of them, or name another task with --task",
            )
