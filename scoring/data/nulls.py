"""How many rows of a clean batch had a null in a column that feeds the model."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scoring.core.columns import ColumnSpec, Dtype, NullAction
from scoring.data.arrays import Mask, null_mask, text_array, values_of


def rows_with_nulls(batch: pa.RecordBatch, columns: Sequence[ColumnSpec], *, originals: str) -> int:
    """batch: the slots of `columns`; of those with a fill also the cells as they were, as slots of this prefix."""
    found = np.zeros(batch.num_rows, np.bool_)
    for spec in columns:
        if spec.nulls is NullAction.FILL:
            found |= _empty(batch.column(originals + spec.slot), text=spec.dtype is not Dtype.STRING)
        elif spec.nulls is not NullAction.REJECT:
            found |= _empty(batch.column(spec.slot), text=False)
    return int(found.sum())


def _empty(array: pa.Array, *, text: bool) -> Mask:
    """bool [n]: null, or NaN; anywhere in a list. text: so is text that a number column takes for a null."""
    mask = null_mask(array)
    nulls = np.zeros(len(array), np.bool_) if mask is None else mask.copy()
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_nested(array.type):
        inner = _empty(array.flatten(), text=False)
        nulls[values_of(pc.list_parent_indices(array))[inner]] = True
    elif pa.types.is_floating(array.type):
        nulls |= np.isnan(values_of(array)) & ~nulls
    elif text and pa.types.is_string(array.type):
        cells = pc.ascii_lower(pc.utf8_trim_whitespace(array))
        nulls |= values_of(pc.is_in(cells, value_set=text_array(["", "nan"]))).view(np.bool_)
    return nulls
