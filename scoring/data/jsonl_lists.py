"""Lists of JSON lines to columns of vectors, in the tensor's type."""

import math
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from scoring.core.columns import ColumnSpec, Dtype, RejectCode
from scoring.data.arrays import ARROW_TYPES, text_array, values_of
from scoring.data.cast import cast_text
from scoring.data.faults import Faults
from scoring.data.jsonl_blocks import DIALECT
from scoring.data.jsonl_cells import cell_texts, number_texts
from scoring.data.jsonl_lines import Value
from scoring.data.screen_lists import settle_elements


def list_type(spec: ColumnSpec, values: Sequence[Value]) -> pa.DataType | None:
    """What the parser reads the column as, if its lists are like `values`; None where it has no such type."""
    if spec.dtype in (None, Dtype.FLOAT16):
        return None
    nested = next((isinstance(value[0], list) for value in values if isinstance(value, list) and value), False)
    kind = ARROW_TYPES[spec.dtype]
    for _ in _dims(spec) if nested else (1,):
        kind = pa.list_(kind)
    return kind


def whole_lists(array: pa.Array, spec: ColumnSpec) -> pa.FixedSizeListArray | None:
    """Parsed lists as those of a fixed size; None where one is null or of another size."""
    nested = pa.types.is_list(array.type.value_type)
    for size in _dims(spec) if nested else (_size(spec),):
        offsets = values_of(array.offsets)
        # A list that is null has no elements.
        if (np.diff(offsets) != size).any():
            return None
        array = array.values.slice(int(offsets[0]), int(offsets[-1] - offsets[0]))
    return pa.FixedSizeListArray.from_arrays(array, _size(spec))


def listed(values: Sequence[Value], spec: ColumnSpec, faults: Faults) -> pa.FixedSizeListArray:
    """One list per row, of nulls where there is none; what is no list of the column's size rejects its row."""
    dims, size = _dims(spec), _size(spec)
    none: list[Value] = [None] * size
    lists = [none if value is None else _flat(value, dims) for value in values]
    wrong = np.fromiter((elements is None for elements in lists), np.bool_, len(lists))
    told = " of ".join(map(str, dims))
    faults.add(wrong, spec.name, RejectCode.BAD_VALUE, lambda row: f"is no list of {told} elements")
    flat = [element for elements in lists for element in elements or none]
    texts = cell_texts(flat, spec, faults, np.repeat(np.arange(len(values)), size).tolist())
    return pa.FixedSizeListArray.from_arrays(_elements(texts, spec, faults), size)


def _elements(texts: Sequence[str | None], spec: ColumnSpec, faults: Faults) -> pa.Array:
    """Of all lists, in the tensor's type; null where the text is None."""
    dtype = spec.dtype or Dtype.STRING
    if dtype is Dtype.STRING:
        return text_array(texts)
    cast = cast_text(number_texts(texts), dtype, DIALECT)
    settle_elements(cast, spec, faults)
    return cast.array


def _flat(value: Value, dims: Sequence[int]) -> list[Value] | None:
    """The elements in C order of lists in lists of these sizes, or of one list of them all; None for others."""
    if isinstance(value, list) and len(dims) > 1 and not any(isinstance(part, list) for part in value):
        return value if len(value) == math.prod(dims) else None
    return _axis(value, dims)


def _axis(value: Value, dims: Sequence[int]) -> list[Value] | None:
    if not isinstance(value, list) or len(value) != dims[0]:
        return None
    if len(dims) == 1:
        return value
    parts = [_axis(part, dims[1:]) for part in value]
    return None if None in parts else [element for part in parts for element in part or ()]


def _dims(spec: ColumnSpec) -> tuple[int, ...]:
    return spec.list_dims or (spec.list_size or 0,)


def _size(spec: ColumnSpec) -> int:
    return math.prod(_dims(spec))
