"""Count, mean and squared deviation that merge without cancellation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Of a column of numbers. R² from the sum of squares alone would miss 1e-9, hence `m2`."""

    count: int = 0
    mean: float = 0.0
    # Sum of (x − mean)².
    m2: float = 0.0

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> "Moments":
        """values: float64 [n], finite."""
        if len(values) == 0:
            return cls()
        # Numbers near 1e300 overflow to infinity here; the figure is then NULL with a reason.
        with np.errstate(over="ignore", invalid="ignore"):
            mean = float(np.mean(values))
            return cls(count=len(values), mean=mean, m2=float(np.sum(np.square(values - mean))))

    def merged(self, other: "Moments") -> "Moments":
        """Chan, Golub and LeVeque (1979): pairwise update of mean and M2."""
        if not self.count or not other.count:
            return self if self.count else other
        count = self.count + other.count
        delta = other.mean - self.mean
        return Moments(
            count=count,
            mean=self.mean + delta * (other.count / count),
            m2=self.m2 + other.m2 + delta * delta * (self.count * (other.count / count)),
        )

    @property
    def mean_square(self) -> float:
        return self.m2 / self.count + self.mean * self.mean

    def packed(self) -> list[float]:
        return [self.count, self.mean, self.m2]

    @classmethod
    def unpacked(cls, data: Sequence[float]) -> "Moments":
        return cls(count=int(data[0]), mean=data[1], m2=data[2])


def merged_or_none(first: Moments | None, second: Moments | None) -> Moments | None:
    """Sums that only one side could measure are no sums of both."""
    return first.merged(second) if first is not None and second is not None else None
