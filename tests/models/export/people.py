"""Rows to train on: drawn once from a fixed seed, with gaps, and with an answer that depends on every column."""

from dataclasses import dataclass

import numpy as np

TRAIN_ROWS = 1_000
REFERENCE_ROWS = 200

NUMBERS = ("age", "income", "tenure", "visits")
PLANS = ("free", "basic", "pro")
COUNTRIES = ("DE", "FR", "JP", "BR", "ZA")


@dataclass(frozen=True, kw_only=True)
class People:
    # [N, 4] float32 in the order of NUMBERS.
    numbers: np.ndarray
    # [N] text.
    plan: np.ndarray
    country: np.ndarray
    # [N] of 0, 1, and of 0, 1, 2; [N] float64.
    churned: np.ndarray
    segment: np.ndarray
    spend: np.ndarray

    def columns(self) -> dict[str, np.ndarray]:
        """The number columns by name."""
        return {name: self.numbers[:, index] for index, name in enumerate(NUMBERS)}


def people(seed: int, rows: int, *, gaps: float = 0.0) -> People:
    """gaps: share of the numbers that are NaN."""
    draw = np.random.default_rng(seed)
    numbers = np.column_stack(
        [
            draw.integers(18, 90, rows),
            draw.lognormal(10, 0.6, rows).round(2),
            draw.exponential(4, rows).round(3),
            draw.poisson(6, rows),
        ]
    ).astype(np.float32)
    plan, country = draw.choice(PLANS, rows), draw.choice(COUNTRIES, rows)
    steep = (50 - numbers[:, 0]) / 15 + 0.3 * (numbers[:, 3] - 6) + (plan == "free") - 0.5 * (country == "JP")
    spend = 0.01 * numbers[:, 1] * (1 + numbers[:, 2] / 4) + 50 * (plan == "pro") + draw.normal(0, 20, rows)
    churned = (steep + draw.logistic(0, 0.7, rows) > 0).astype(np.int64)
    segment = np.digitize(steep + draw.normal(0, 0.4, rows), [-1, 1]).astype(np.int64)
    numbers[draw.random(numbers.shape) < gaps] = np.nan
    return People(numbers=numbers, plan=plan, country=country, churned=churned, segment=segment, spend=spend)


def training(*, gaps: float = 0.0) -> People:
    return people(1, TRAIN_ROWS, gaps=gaps)


def reference(*, gaps: float = 0.0) -> People:
    return people(2, REFERENCE_ROWS, gaps=gaps)
