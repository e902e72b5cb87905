"""Whether a model's answers are those that were expected, and by how much they differ at most."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from scoring.model.arrays import valid, values_of

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Worst:
    """The answer that differs most, measured by what the tolerance allows it."""

    # 0-based among the rows compared.
    row: int
    column: str
    expected: str
    got: str
    # |got − expected|; None where one of them is no finite number.
    difference: float | None
    # How many times the allowed difference; infinite where none is allowed.
    excess: float


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What there is to say of all answers."""

    # Over all numbers; None where there is none, or where a difference is no number.
    max_difference: float | None
    # None where nothing differs at all.
    worst: Worst | None
    # Rows with an answer that differs by more than is allowed.
    rows_beyond: int

    @property
    def passed(self) -> bool:
        return self.rows_beyond == 0


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """One column of answers."""

    # The largest difference, infinite where it is no number; None for text and bool.
    difference: float | None
    # None where nothing differs.
    worst: Worst | None
    # [n] True where the difference is more than is allowed.
    beyond: NDArray[np.bool_]


def compare(got: Mapping[str, pa.Array], expected: Mapping[str, pa.Array], tolerance: float) -> Comparison:
    """Each column of `expected`, typed as `expected.typed` does, with the model's column of that name.

    Floats may differ by tolerance · max(1, |expected|), and NaN equals NaN; all else must be equal.
    """
    judged = [_judge(name, got[name], column, tolerance) for name, column in expected.items()]
    largest = [column.difference for column in judged if column.difference is not None]
    differing = [column.worst for column in judged if column.worst is not None]
    return Comparison(
        max_difference=max(largest) if largest and np.isfinite(largest).all() else None,
        worst=max(differing, key=_badness, default=None),
        rows_beyond=int(np.any([column.beyond for column in judged], axis=0).sum()),
    )


def _judge(name: str, got: pa.Array, expected: pa.Array, tolerance: float) -> _Judged:
    element = expected.type.value_type if pa.types.is_fixed_size_list(expected.type) else expected.type
    differences: Floats | None
    if pa.types.is_floating(element):
        differences, excess = _float_differences(float_values(got), float_values(expected), tolerance)
    else:
        differences, excess = _other_differences(got, expected)
    size = len(excess) // len(expected)
    beyond = np.logical_or.reduce((excess > 1).reshape(len(expected), size), axis=1)
    largest = None if differences is None else float(differences.max())
    if not excess.max():
        return _Judged(difference=largest, worst=None, beyond=beyond)
    place = _worst_place(excess, differences)
    at = None if differences is None or not np.isfinite(differences[place]) else float(differences[place])
    worst = Worst(
        row=place // size,
        column=name if size == 1 else f"{name}[{place % size}]",
        expected=_shown(expected, place),
        got=_shown(got, place),
        difference=at,
        excess=float(excess[place]),
    )
    return _Judged(difference=largest, worst=worst, beyond=beyond)


def _badness(worst: Worst) -> tuple[float, float]:
    return worst.excess, np.inf if worst.difference is None else worst.difference


def _worst_place(excess: Floats, differences: Floats | None) -> int:
    """Where excess is largest; of several such places, as where it is infinite, the one that differs most."""
    places = np.flatnonzero(excess == excess.max())
    return int(places[0 if differences is None else differences[places].argmax()])


def _float_differences(got: Floats, expected: Floats, tolerance: float) -> tuple[Floats, Floats]:
    """|got − expected|, infinite where only one is NaN or infinite; the same as a multiple of what is allowed."""
    same = (got == expected) | (np.isnan(got) & np.isnan(expected))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        differences = np.where(same, 0.0, np.abs(got - expected))
        differences[np.isnan(differences)] = np.inf
        excess = np.where(same, 0.0, differences / (tolerance * np.maximum(1.0, np.abs(expected))))
    # Infinite over infinite, where infinity was expected and something else came.
    excess[np.isnan(excess)] = np.inf
    return differences, excess


def _other_differences(got: pa.Array, expected: pa.Array) -> tuple[Floats | None, Floats]:
    """Differences of whole numbers, None for text and bool; infinitely too much where they are not equal."""
    if pa.types.is_fixed_size_list(expected.type):
        got, expected = got.flatten(), expected.flatten()
    if pa.types.is_dictionary(got.type):
        got = got.dictionary_decode()
    numbers = pa.types.is_integer(expected.type)
    equal = pc.equal(pc.cast(got, pa.string()), pc.cast(expected, pa.string()))
    unequal = ~(valid(equal) & values_of(equal))
    excess = np.where(unequal, np.inf, 0.0)
    if not numbers:
        return None, excess
    differences = np.abs(float_values(got) - float_values(expected))
    return np.where(np.isnan(differences), np.inf, differences), excess


def _shown(column: pa.Array, place: int) -> str:
    if pa.types.is_fixed_size_list(column.type):
        column = column.flatten()
    value = column[place].as_py()
    if value is None:
        return "no value" if not pa.types.is_floating(column.type) else "NaN"
    return f"{value:.9g}" if isinstance(value, float) else repr(value)


def float_values(column: pa.Array) -> Floats:
    """float64 [n] with NaN for null; lists one after the other."""
    if pa.types.is_fixed_size_list(column.type):
        column = column.flatten()
    wide = pc.cast(column, pa.float64(), safe=False)
    return np.where(valid(wide), values_of(wide), np.nan)
