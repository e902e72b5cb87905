"""Columns of vectors: [n] rows of `list_size` floats each."""

import numpy as np
import pyarrow as pa

from scoring.core.columns import ColumnSpec, Dtype, NullAction, RejectCode
from scoring.data.arrays import null_mask, number_array, values_of
from scoring.data.cast import cast_native
from scoring.data.faults import Faults


def list_column(array: pa.Array, spec: ColumnSpec, faults: Faults) -> pa.FixedSizeListArray:
    """A list column as a fixed-size one of the tensor's type; rows of another length are bad values."""
    size = spec.list_size or 0
    dtype = spec.dtype or Dtype.FLOAT32
    rows = len(array)
    nulls = null_mask(array)
    missing = np.zeros(rows, np.bool_) if nulls is None else nulls
    elements, wrong = _elements(array, size, missing)
    faults.add(wrong, spec.name, RejectCode.BAD_VALUE, lambda row: f"the list does not have {size} elements")
    cast = cast_native(elements, dtype)
    faults.add(
        (cast.bad | cast.wide).reshape(rows, size).any(axis=1),
        spec.name,
        RejectCode.OUT_OF_RANGE,
        lambda row: f"an element does not fit into {dtype}",
    )
    values = values_of(cast.array).reshape(rows, size)
    element_nulls = null_mask(cast.array)
    empty = np.zeros((rows, size), np.bool_) if element_nulls is None else element_nulls.reshape(rows, size)
    if dtype.is_float:
        finite = np.isfinite(values)
        if not finite.all():
            empty = empty | np.isnan(values)
            infinite = (~finite & ~empty).any(axis=1)
            faults.add(infinite, spec.name, RejectCode.OUT_OF_RANGE, lambda row: f"an element is infinite as {dtype}")
    empty |= (missing & ~wrong)[:, np.newaxis]
    if empty.any() and spec.nulls is NullAction.REJECT:
        faults.add(empty.any(axis=1), spec.name, RejectCode.NULL_VALUE, lambda row: "no value, and nulls are rejected")
    elif empty.any():
        fill = np.nan if spec.nulls is not NullAction.FILL else float(spec.fill or 0)
        values = np.where(empty, np.asarray(fill, values.dtype), values)
    return pa.FixedSizeListArray.from_arrays(number_array(values.reshape(-1)), size)


def _elements(array: pa.Array, size: int, missing: np.ndarray) -> tuple[pa.Array, np.ndarray]:
    """rows * size elements, and True for the rows whose list has another length."""
    rows = len(array)
    none = np.zeros(rows, np.bool_)
    if pa.types.is_fixed_size_list(array.type):
        # `values` ignores the offset of a slice, `flatten` drops what stands under nulls.
        width = array.type.list_size
        if width == size:
            return array.values.slice(array.offset * size, rows * size), none
        return pa.nulls(rows * size, array.type.value_type), ~missing
    lengths = np.diff(np.frombuffer(array.offsets.buffers()[1], _offset_type(array), count=rows + 1, offset=_start(array)))
    wrong = (lengths != size) & ~missing
    if not wrong.any() and not missing.any():
        return array.flatten(), none
    offsets = np.frombuffer(array.offsets.buffers()[1], _offset_type(array), count=rows + 1, offset=_start(array))
    starts = np.where(wrong | missing, 0, offsets[:-1])
    index = starts[:, np.newaxis] + np.arange(size)
    used = np.broadcast_to(~(wrong | missing)[:, np.newaxis], index.shape)
    taken = number_array(np.where(used, index, 0).reshape(-1).astype(np.int64), ~used.reshape(-1))
    return (array.values.take(taken) if len(array.values) else pa.nulls(rows * size, array.type.value_type)), wrong


def _offset_type(array: pa.Array) -> type[np.signedinteger]:
    return np.int64 if pa.types.is_large_list(array.type) else np.int32


def _start(array: pa.Array) -> int:
    return int(array.offsets.offset) * np.dtype(_offset_type(array)).itemsize
