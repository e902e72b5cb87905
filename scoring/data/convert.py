"""What model.yaml declares to be done to a column before it is cast to the type of its tensor."""

import numpy as np
import pyarrow as pa

from scoring.core.columns import ColumnSpec, Dtype, RejectCode, WarningCode
from scoring.core.conversions import Categories, DatePart, Moment, Scale
from scoring.core.options import CsvDialect
from scoring.data.arrays import ARROW_TYPES, Mask, null_mask, number_array, one_value, values_of
from scoring.data.cast import cast_cells
from scoring.data.categories import codes_of
from scoring.data.faults import Faults
from scoring.data.moments import epoch_of, moments_of, numbers_of
from scoring.data.settle import settle

_TIMES_OF_DAY = (DatePart.HOUR, DatePart.MINUTE, DatePart.SECOND)


def converted(
    array: pa.Array, spec: ColumnSpec, faults: Faults, dialect: CsvDialect | None
) -> tuple[pa.Array, pa.Array]:
    """The cells as their conversion makes them, codes of the tensor's type or plain numbers, and as reasons show them.

    Both are null where the cells are. A number that is scaled is shown as a number, whichever way it was read.
    """
    if isinstance(spec.conversion, Categories):
        return _codes(array, spec, spec.conversion, faults), array
    if isinstance(spec.conversion, Moment):
        return _moments(array, spec, spec.conversion, faults), array
    if isinstance(spec.conversion, Scale):
        numbers = _numbers(array, spec, faults, dialect)
        return _scaled(numbers, spec.conversion), numbers
    return array, array


def _codes(array: pa.Array, spec: ColumnSpec, categories: Categories, faults: Faults) -> pa.Array:
    codes = codes_of(array, categories, spec.dtype or Dtype.INT64)
    if categories.unknown is not None:
        faults.note(codes.unknown, spec.name, WarningCode.UNKNOWN_CATEGORY)
    else:
        faults.add(
            codes.unknown,
            spec.name,
            RejectCode.BAD_VALUE,
            lambda row: f"{faults.shown(one_value(array, row))} is none of the categories",
        )
    return codes.array


def _moments(array: pa.Array, spec: ColumnSpec, moment: Moment, faults: Faults) -> pa.Array:
    nulls = null_mask(array)
    moments = moments_of(array, moment.format)
    known = np.ones(len(array), np.bool_) if nulls is None else ~nulls
    form = "of ISO 8601" if moment.format is None else f"as {moment.format!r}"

    def reject(rows: Mask, words: str) -> None:
        code = RejectCode.BAD_VALUE
        faults.add(rows & known, spec.name, code, lambda row: f"{faults.shown(one_value(array, row))} {words}")

    reject(moments.bad, f"is no date or time {form}")
    if moment.unit is not None:
        zoned = epoch_of(moment.since)[2]
        reject(
            moments.zoned != zoned, "has no zone, and `since` has one" if zoned else "has a zone, and `since` has none"
        )
    reject(_dateless(array, moment), "is a time without a date")
    return number_array(numbers_of(moments, moment), nulls)


def _dateless(array: pa.Array, moment: Moment) -> Mask:
    return np.full(len(array), pa.types.is_time(array.type) and moment.part not in _TIMES_OF_DAY)


def _numbers(array: pa.Array, spec: ColumnSpec, faults: Faults, dialect: CsvDialect | None) -> pa.Array:
    if array.type == ARROW_TYPES[Dtype.FLOAT64]:
        return array
    cast = cast_cells(array, Dtype.FLOAT64, dialect)
    settle(cast, array, spec, Dtype.FLOAT64, faults)
    return cast.array


def _scaled(array: pa.Array, scale: Scale) -> pa.Array:
    nulls = null_mask(array)
    values = values_of(array)
    # With a factor of 0 an infinity would become NaN, which is null.
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = np.where(np.isinf(values), values, values * scale.factor + scale.offset)
    return number_array(scaled, nulls)
