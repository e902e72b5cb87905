"""Values of one column in Postgres's binary form, where each takes the same number of bytes."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from scoring.core.errors import TableRefused
from scoring.data.arrays import Mask, null_mask, values_of
from scoring.data.pg_numeric import numeric_bytes

_DAYS_TO_2000 = 10_957
_US_TO_2000 = _DAYS_TO_2000 * 86_400_000_000
_DAYS = (-2_440_588, 2_145_042_905)
"""First and last day that Postgres has, from 1970: 4714-11-24 BC to 5874897-12-31."""

_FIRST_US = -211_813_488_000_000_000 + _US_TO_2000
_PER_US = {"s": 1_000_000, "ms": 1_000, "us": 1}
_NS_PER_US = 1_000

_WIDENED = {"int8": ">i2", "uint8": ">i2", "uint16": ">i4", "uint32": ">i8", "halffloat": ">f4", "bool": "u1"}


def fixed_values(array: pa.Array, column: str) -> NDArray[Any]:
    """Numbers, booleans, dates, timestamps → big-endian [n]; decimals and uint64 → uint8 [n, w]. Nulls give anything.

    Raises TableRefused for a date or time that Postgres cannot hold, naming `column`.
    """
    kind = array.type
    if pa.types.is_decimal(kind) or pa.types.is_uint64(kind):
        return numeric_bytes(array)
    if pa.types.is_date(kind):
        days = _without_nulls(array, pa.int32())
        _require((days >= _DAYS[0]) & (days <= _DAYS[1]), column, "a date from 4714 BC to 5874897")
        return (days - _DAYS_TO_2000).astype(">i4")
    if pa.types.is_timestamp(kind):
        return (_microseconds(array, column) - _US_TO_2000).astype(">i8")
    values = values_of(array)
    return values.astype(_WIDENED.get(str(kind)) or values.dtype.newbyteorder(">"))


def _microseconds(array: pa.Array, column: str) -> NDArray[np.int64]:
    """Since 1970."""
    values = _without_nulls(array, pa.int64())
    if array.type.unit == "ns":
        _require(values % _NS_PER_US == 0, column, "whole microseconds: Postgres keeps no finer ones")
        return values // _NS_PER_US
    factor = _PER_US[array.type.unit]
    last = np.iinfo(np.int64).max // factor
    _require((values >= -(-_FIRST_US // factor)) & (values <= last), column, "a time from 4714 BC to 294246")
    return values * factor


def _without_nulls(array: pa.Array, storage: pa.DataType) -> NDArray[np.int64]:
    """Integers behind the values; 0 where null, for what stands there is undefined."""
    values = values_of(pa.Array.from_buffers(storage, len(array), [None, array.buffers()[1]], offset=array.offset))
    nulls = null_mask(array)
    return values.astype(np.int64) if nulls is None else np.where(nulls, 0, values.astype(np.int64))


def _require(fits: Mask, column: str, expected: str) -> None:
    if not fits.all():
        raise TableRefused(
            f"column {column} holds a value that the result table cannot keep",
            expected=expected,
            got=f"{np.count_nonzero(~fits):,} others in the chunk",
            remedy="correct the input, or leave the column out",
        )
