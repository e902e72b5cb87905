"""Columns of vectors: [n] rows of `list_size` numbers each."""

import numpy as np
import pyarrow as pa

from scoring.core.columns import ColumnSpec, Dtype, NullAction, RejectCode
from scoring.data.arrays import Ints, Mask, Numbers, null_mask, number_array, values_of
from scoring.data.cast import cast_native
from scoring.data.faults import Faults


def list_column(array: pa.Array, spec: ColumnSpec, faults: Faults) -> pa.FixedSizeListArray:
    """A list column as a fixed-size one of the tensor's type; a list of another length is a bad value."""
    size, dtype, rows = spec.list_size or 0, spec.dtype or Dtype.FLOAT32, len(array)
    nulls = null_mask(array)
    missing = np.zeros(rows, np.bool_) if nulls is None else nulls
    elements, wrong = _elements(array, size, missing)
    faults.add(wrong, spec.name, RejectCode.BAD_VALUE, lambda row: f"the list does not have {size} elements")
    cast = cast_native(elements, dtype)
    _blame(cast.bad, faults, spec, RejectCode.BAD_VALUE, f"an element is no {dtype}")
    _blame(cast.wide, faults, spec, RejectCode.OUT_OF_RANGE, f"an element does not fit into {dtype}")
    values = values_of(cast.array)
    empty = null_mask(cast.array)
    if dtype.is_float and not (finite := np.isfinite(values)).all():
        empty = np.isnan(values) if empty is None else np.isnan(values) | empty
        _blame(~finite & ~empty, faults, spec, RejectCode.OUT_OF_RANGE, f"an element is infinite as {dtype}")
    if empty is not None:
        empty = empty & ~np.repeat(wrong, size)
        values = _without_nulls(values, empty, spec, faults)
    return pa.FixedSizeListArray.from_arrays(number_array(values), size)


def _without_nulls(values: Numbers, empty: Mask, spec: ColumnSpec, faults: Faults) -> Numbers:
    if spec.nulls is NullAction.REJECT:
        _blame(empty, faults, spec, RejectCode.NULL_VALUE, "no value, and nulls are rejected")
        return values
    filled = values.copy()
    filled[empty] = float(spec.fill or 0) if spec.nulls is NullAction.FILL else np.nan
    return filled


def _blame(elements: Mask, faults: Faults, spec: ColumnSpec, code: RejectCode, reason: str) -> None:
    """Reject the rows of these elements; [n * size]."""
    if elements.any():
        rows = np.zeros(len(elements) // (spec.list_size or 1), np.bool_)
        rows[np.flatnonzero(elements) // (spec.list_size or 1)] = True
        faults.add(rows, spec.name, code, lambda row: reason)


def _elements(array: pa.Array, size: int, missing: Mask) -> tuple[pa.Array, Mask]:
    """rows * size elements, null where the list is; and True for the rows whose list has another length."""
    rows = len(array)
    if pa.types.is_fixed_size_list(array.type):
        wrong = np.full(rows, array.type.list_size != size) & ~missing
        starts = (np.arange(rows) + array.offset) * array.type.list_size
    else:
        bounds = _offsets(array)
        wrong = (np.diff(bounds) != size) & ~missing
        starts = bounds[:-1].astype(np.int64)
    unfit = wrong | missing
    if not unfit.any():
        # `values` of a slice are those of the whole array.
        first = int(starts[0]) if rows else 0
        return array.values.slice(first, rows * size), wrong
    index = (np.where(unfit, 0, starts)[:, np.newaxis] + np.arange(size)).reshape(-1)
    none = np.repeat(unfit, size)
    if none.all():
        return pa.nulls(rows * size, array.type.value_type), wrong
    return array.values.take(number_array(np.where(none, 0, index), none)), wrong


def _offsets(array: pa.Array) -> Ints:
    dtype = np.dtype(np.int64 if pa.types.is_large_list(array.type) else np.int32)
    buffer = array.buffers()[1]
    return np.frombuffer(buffer, dtype, count=len(array) + 1, offset=array.offset * dtype.itemsize).astype(np.int64)
