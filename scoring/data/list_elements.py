"""Lists of any Arrow layout, nested or not, to the flat array of their elements."""

import math
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from scoring.data.arrays import Ints, Mask, null_mask, number_array, values_of
from scoring.data.arrow_types import is_list


def flat_elements(array: pa.Array, dims: Sequence[int]) -> tuple[pa.Array, Mask]:
    """[n] lists of the axes `dims`, or flat ones of as many elements → [n * product] elements, and rows of other sizes.

    The elements of such rows are null, as are those of a list that is null.
    """
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    rows = len(array)
    wrong = np.zeros(rows, np.bool_)
    for size in dims if is_list(array.type.value_type) else (math.prod(dims),):
        array, unfit = _elements(array, size)
        if unfit.any():
            wrong |= unfit.reshape(rows, -1).any(axis=1)
    return array, wrong


def _elements(array: pa.Array, size: int) -> tuple[pa.Array, Mask]:
    """The elements of one axis, null where the list is or has another length; and True for the latter."""
    nulls = null_mask(array)
    missing = np.zeros(len(array), np.bool_) if nulls is None else nulls
    starts, sizes = _bounds(array)
    wrong: Mask = (sizes != size) & ~missing
    unfit = wrong | missing
    if not unfit.any() and _contiguous(starts, size):
        # `values` of a slice are those of the whole array.
        return array.values.slice(int(starts[0]) if len(starts) else 0, len(array) * size), wrong
    if unfit.all():
        return pa.nulls(len(array) * size, array.type.value_type), wrong
    index = (np.where(unfit, 0, starts)[:, np.newaxis] + np.arange(size)).reshape(-1)
    none = np.repeat(unfit, size)
    return array.values.take(number_array(np.where(none, 0, index), none)), wrong


def _bounds(array: pa.Array) -> tuple[Ints, Ints]:
    """Where each list starts in `array.values`, and its length."""
    kind = array.type
    if pa.types.is_fixed_size_list(kind):
        starts = (np.arange(len(array)) + array.offset) * kind.list_size
        return starts, np.full(len(array), kind.list_size)
    offsets = values_of(array.offsets).astype(np.int64)
    if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        return offsets, values_of(array.sizes).astype(np.int64)
    return offsets[:-1], np.diff(offsets)


def _contiguous(starts: Ints, size: int) -> bool:
    return not len(starts) or bool((np.diff(starts) == size).all())
