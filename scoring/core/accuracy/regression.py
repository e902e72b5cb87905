"""Numbers: how far the predictions are from the truth."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.core.accuracy.auc import Floats
from scoring.core.accuracy.figure import Value, ratio
from scoring.core.accuracy.moments import Moments

METRICS = ("mae", "rmse", "r2", "mape", "bias")


@dataclass(frozen=True, kw_only=True)
class RegressionSums:
    # Of the truth.
    truth: Moments = field(default_factory=Moments)
    # Of prediction − truth.
    error: Moments = field(default_factory=Moments)
    # Of |prediction − truth|.
    distance: Moments = field(default_factory=Moments)
    # Of |prediction − truth| / |truth|, rows whose truth is 0 left out.
    share: Moments = field(default_factory=Moments)

    @property
    def covered(self) -> int:
        return self.truth.count

    def merged(self, other: "RegressionSums") -> "RegressionSums":
        return RegressionSums(
            truth=self.truth.merged(other.truth),
            error=self.error.merged(other.error),
            distance=self.distance.merged(other.distance),
            share=self.share.merged(other.share),
        )

    def values(self) -> list[Value]:
        if not self.covered:
            return [Value(metric=m, value=None, reason="no scored row has a label that is a number") for m in METRICS]
        squares = self.error.mean_square * self.covered
        unexplained = ratio("r2", squares, self.truth.m2, reason="the truth does not vary")
        return [
            Value(metric="mae", value=self.distance.mean),
            Value(metric="rmse", value=math.sqrt(self.error.mean_square)),
            unexplained if unexplained.value is None else Value(metric="r2", value=1 - unexplained.value),
            self._mape(),
            Value(metric="bias", value=self.error.mean),
        ]

    def _mape(self) -> Value:
        zeros = self.covered - self.share.count
        if zeros:
            return Value(metric="mape", value=None, reason=f"the truth is 0 in {zeros} rows: nothing to divide by")
        return Value(metric="mape", value=self.share.mean)

    def packed(self) -> tuple[dict[str, Any], list[NDArray[np.int64]]]:
        return {name: getattr(self, name).packed() for name in ("truth", "error", "distance", "share")}, []

    @classmethod
    def unpacked(cls, head: dict[str, Any], _: list[NDArray[np.int64]]) -> "RegressionSums":
        return cls(**{name: Moments.unpacked(data) for name, data in head.items()})


def measure_regression(truth: NDArray[np.float64], predicted: Floats) -> RegressionSums:
    """Sums of one chunk. truth: float64 [n], NaN where there is no label; predicted: float [n]."""
    wide = predicted.astype(np.float64)
    known = np.isfinite(truth) & np.isfinite(wide)
    labels = truth[known]
    error = wide[known] - labels
    divisible = labels != 0
    return RegressionSums(
        truth=Moments.of(labels),
        error=Moments.of(error),
        distance=Moments.of(np.abs(error)),
        share=Moments.of(np.abs(error[divisible] / labels[divisible])),
    )
