"""Keys of labels and of results in a form in which they can be compared."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scoring.core.errors import InputRefused
from scoring.data.arrays import bool_array, number_array, values_of

_EXACT = 2.0**53


def key_texts(column: pa.Array) -> pa.Array:
    """Keys of any plain type as text; a whole number that a float holds is written as that number, without 1e+11."""
    texts = pc.cast(column, pa.string())
    if not pa.types.is_floating(column.type):
        return texts
    values = values_of(pc.cast(column, pa.float64()))
    with np.errstate(invalid="ignore"):
        whole = values_of(pc.is_valid(column)) & (values == np.floor(values)) & (np.abs(values) < _EXACT)
    numbers = number_array(np.where(whole, values, 0).astype(np.int64))
    return pc.if_else(bool_array(whole), pc.cast(numbers, pa.string()), texts)


def plain_values(column: pa.Array) -> pa.Array:
    """The column without a dictionary around it."""
    return pc.cast(column, column.type.value_type) if pa.types.is_dictionary(column.type) else column


def comparable(column: pa.Array, name: str) -> pa.Array:
    """The key column of a result as SQL engines know it. Raises InputRefused for lists and structs."""
    column = plain_values(column)
    if pa.types.is_nested(column.type):
        raise InputRefused(
            f"the key {name!r} holds no single values",
            expected="numbers, texts or dates",
            got=str(column.type),
            remedy="use _row as the key",
        )
    if pa.types.is_float16(column.type):
        return pc.cast(column, pa.float32())
    return pc.cast(column, pa.string()) if pa.types.is_decimal256(column.type) else column
