"""Columns of lists: [n] rows of `list_size` numbers or texts each."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scoring.core.columns import ColumnSpec, Dtype, NullAction, RejectCode, WarningCode
from scoring.data.arrays import Mask, Numbers, null_mask, number_array, text_array, values_of
from scoring.data.cast import Cast, cast_native, fill_value
from scoring.data.faults import Faults
from scoring.data.list_elements import flat_elements
from scoring.data.warnings import NOTED


def list_column(array: pa.Array, spec: ColumnSpec, faults: Faults) -> pa.FixedSizeListArray:
    """A list column as a fixed-size one of the tensor's type; a list of another length is a bad value."""
    size = spec.list_size or 0
    axes = spec.list_dims or (size,)
    elements, wrong = flat_elements(array, axes)
    told = " of ".join(map(str, axes))
    faults.add(wrong, spec.name, RejectCode.BAD_VALUE, lambda row: f"the list does not have {told} elements")
    judge = _texts if spec.dtype is Dtype.STRING else _numbers
    return pa.FixedSizeListArray.from_arrays(judge(elements, wrong, spec, faults), size)


def _numbers(elements: pa.Array, wrong: Mask, spec: ColumnSpec, faults: Faults) -> pa.Array:
    """wrong: [n] True for rows that are rejected for the length of their list."""
    dtype = spec.dtype or Dtype.FLOAT32
    cast = cast_native(elements, dtype)
    settle_elements(cast, spec, faults)
    values = values_of(cast.array)
    empty = null_mask(cast.array)
    if dtype.is_float and not (finite := np.isfinite(values)).all():
        empty = np.isnan(values) if empty is None else np.isnan(values) | empty
        _blame(~finite & ~empty, faults, spec, RejectCode.OUT_OF_RANGE, f"an element is infinite as {dtype}")
    if empty is not None:
        values = _without_nulls(values, empty & ~np.repeat(wrong, spec.list_size or 0), spec, faults)
    return number_array(values)


def _texts(elements: pa.Array, wrong: Mask, spec: ColumnSpec, faults: Faults) -> pa.StringArray:
    texts = elements if pa.types.is_string(elements.type) else pc.cast(elements, pa.string())
    nulls = null_mask(texts)
    if nulls is None:
        return texts
    nulls &= ~np.repeat(wrong, spec.list_size or 0)
    if spec.nulls is NullAction.FILL:
        faults.note(_rows(nulls, spec), spec.name, WarningCode.NULL_FILLED)
        return pc.fill_null(texts, text_array([spec.fill or ""])[0])
    _blame(nulls, faults, spec, RejectCode.NULL_VALUE, "no value, and nulls are rejected")
    return texts


def _without_nulls(values: Numbers, empty: Mask, spec: ColumnSpec, faults: Faults) -> Numbers:
    if spec.nulls is NullAction.REJECT:
        _blame(empty, faults, spec, RejectCode.NULL_VALUE, "no value, and nulls are rejected")
        return values
    filled = values.copy()
    filled[empty] = fill_value(spec) if spec.nulls is NullAction.FILL else np.nan
    faults.note(_rows(empty, spec), spec.name, NOTED[spec.nulls])
    return filled


def settle_elements(cast: Cast, spec: ColumnSpec, faults: Faults) -> None:
    """Reject rows with elements that are not of the tensor's type, or beyond it; reject or count rounded ones."""
    _blame(cast.bad, faults, spec, RejectCode.BAD_VALUE, f"an element is no {spec.dtype}")
    _blame(cast.wide, faults, spec, RejectCode.OUT_OF_RANGE, f"an element does not fit into {spec.dtype}")
    if cast.inexact is not None:
        reason = f"an element is not exact in {spec.dtype}; --lossy round takes it rounded"
        _blame(cast.inexact.refused(spec.lossy), faults, spec, RejectCode.OUT_OF_RANGE, reason)
        faults.note(_rows(cast.inexact.rows, spec), spec.name, WarningCode.ROUNDED)


def _blame(elements: Mask, faults: Faults, spec: ColumnSpec, code: RejectCode, reason: str) -> None:
    """Reject the rows of these elements; [n * size]."""
    if elements.any():
        faults.add(_rows(elements, spec), spec.name, code, lambda row: reason)


def _rows(elements: Mask, spec: ColumnSpec) -> Mask:
    """[n * size] → [n]: rows that hold one of these elements."""
    size = spec.list_size or 1
    rows = np.zeros(len(elements) // size, np.bool_)
    rows[np.flatnonzero(elements) // size] = True
    return rows
