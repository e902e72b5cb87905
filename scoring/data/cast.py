"""Cells into numbers, column by column, with a mask of those that are none. No cell is visited in Python."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scoring.core.columns import ColumnSpec, Dtype
from scoring.core.options import CsvDialect
from scoring.data.arrays import ARROW_TYPES, Mask, Numbers, bool_array, null_mask, number_array, text_array, values_of
from scoring.data.exact import Inexact, inexact_integers, inexact_text

BLANKS = " \t"
# What the typed CSV parser takes for a float; the two must agree, or a row's fate would depend on its neighbours.
_FLOAT = r"(?i)^[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|nan(\([a-z0-9_]*\))?|inf|infinity)$"
_INTEGER = r"^[+-]?[0-9]+$"
_DECIMAL_DIGITS = 76
_TRUE, _FALSE = ("true", "1"), ("false", "0")


@dataclass(frozen=True, kw_only=True)
class Cast:
    """A column in the type that was asked for. What stands at faulty rows is undefined."""

    array: pa.Array
    # True where the cell is no value of that type.
    bad: Mask
    # True where it is one, but beyond the type's range. (A float that overflows is infinite instead.)
    wide: Mask
    # Whole numbers that the float type rounds; None where there are none.
    inexact: Inexact | None = None


def cast_text(cells: pa.StringArray, dtype: Dtype, dialect: CsvDialect) -> Cast:
    """CSV text to numbers: blanks around are trimmed, the empty cell and `dialect.na` are null."""
    count = len(cells)
    nulls = _null_cells(cells, dialect)
    if (missing := null_mask(cells)) is not None:
        nulls |= missing
    odd = _odd_cells(cells, dtype, dialect.decimal) & ~nulls
    values: Numbers = np.zeros(count, np.dtype(dtype.value))
    bad, wide = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    for rows, tidy in ((~odd & ~nulls, False), (odd, True)):
        if not rows.any():
            continue
        some = cells if rows.all() else cells.filter(bool_array(rows))
        if tidy:
            some = pc.ascii_trim(some, BLANKS)
            # Only a value named by --na is null once trimmed: a cell of blanks alone is not empty.
            nulls[rows] = _named(some, tuple(value for value in dialect.na if value))
        values[rows], bad[rows], wide[rows] = _parse(some, dtype, dialect.decimal)
    bad &= ~nulls
    wide &= ~nulls
    return Cast(
        array=number_array(values, nulls),
        bad=bad,
        wide=wide,
        inexact=inexact_text(cells, values, dtype) if dtype.is_float else None,
    )


def cast_cells(array: pa.Array, dtype: Dtype, dialect: CsvDialect | None) -> Cast:
    """Text as `dialect` says that numbers are written; without one, and for other types, as the file's type says."""
    text = dialect is not None and pa.types.is_string(array.type)
    return cast_text(array, dtype, dialect or CsvDialect()) if text else cast_native(array, dtype)


def fill_value(spec: ColumnSpec) -> Any:
    """`spec.fill` as a value of its type of numbers. The binding has checked that it is one."""
    return values_of(cast_text(text_array([spec.fill or "0"]), spec.dtype or Dtype.FLOAT64, CsvDialect()).array)[0]


def cast_native(array: pa.Array, dtype: Dtype) -> Cast:
    """A Parquet column to the tensor's type: whole numbers exactly or not at all, floats rounded to nearest."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_decimal(array.type):
        return cast_decimal(array, dtype)
    nulls = null_mask(array)
    source = values_of(array)
    target = np.dtype(dtype.value)
    bad, wide = np.zeros(len(source), np.bool_), np.zeros(len(source), np.bool_)
    if not dtype.is_float and source.dtype.kind == "f" and (missing := np.isnan(source)).any():
        # pandas writes whole numbers with a gap as floats with a NaN.
        nulls = missing if nulls is None else nulls | missing
    if dtype is Dtype.BOOL:
        bad = (source != 0) & (source != 1)
    elif not dtype.is_float:
        if source.dtype.kind == "f":
            bad = source != np.floor(source)
        wide = _beyond(source, target) & ~bad
    with np.errstate(over="ignore", invalid="ignore"):
        values = source.astype(target)
    if nulls is not None:
        bad, wide = bad & ~nulls, wide & ~nulls
    whole = dtype.is_float and source.dtype.kind in "iu"
    inexact = inexact_integers(source, dtype) if whole else None
    return Cast(
        array=number_array(values, nulls),
        bad=bad,
        wide=wide,
        inexact=inexact if inexact is None or nulls is None else inexact.among(~nulls),
    )


def cast_decimal(array: pa.Array, dtype: Dtype) -> Cast:
    """Decimals: into integers exactly or not at all, into floats through their text, rounded once."""
    if dtype is Dtype.BOOL:
        return cast_native(pc.cast(array, pa.float64()), dtype)
    if dtype.is_float:
        return cast_text(pc.cast(array, pa.string()), dtype, CsvDialect())
    exact = pc.cast(array, pa.decimal256(_DECIMAL_DIGITS, array.type.scale))
    whole = pc.trunc(exact)
    cast = cast_text(pc.cast(pc.cast(whole, pa.decimal256(_DECIMAL_DIGITS, 0)), pa.string()), dtype, CsvDialect())
    parted = values_of(pc.fill_null(pc.not_equal(whole, exact), bool_array(np.zeros(1, np.bool_))[0])).view(np.bool_)
    return replace(cast, bad=cast.bad | parted)


def named_nulls(cells: pa.StringArray, dialect: CsvDialect) -> pa.StringArray:
    """Text cells with those that `--na` names as nulls."""
    if not dialect.na:
        return cells
    named = _named(cells, dialect.na)
    return pc.if_else(bool_array(named), pa.nulls(len(cells), cells.type), cells) if named.any() else cells


def empty_cells(cells: pa.StringArray) -> Mask:
    empty: Mask = values_of(pc.binary_length(cells)) == 0
    return empty


def _null_cells(cells: pa.StringArray, dialect: CsvDialect) -> Mask:
    nulls = empty_cells(cells)
    return nulls | _named(cells, dialect.na) if dialect.na else nulls


def _named(cells: pa.StringArray, names: tuple[str, ...]) -> Mask:
    if not names:
        return np.zeros(len(cells), np.bool_)
    return values_of(pc.is_in(cells, value_set=text_array(names))).view(np.bool_)


def _odd_cells(cells: pa.StringArray, dtype: Dtype, decimal: str) -> Mask:
    """True where a cell holds a character that a plain number does not."""
    odd = np.zeros(len(cells), np.bool_)
    if dtype is Dtype.BOOL or decimal != "." or not len(cells):
        return ~odd
    offsets = np.frombuffer(cells.buffers()[1], np.int32, count=len(cells) + 1, offset=cells.offset * 4)
    data = cells.buffers()[2]
    if data is None or offsets[-1] == offsets[0]:
        return odd
    text = np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]]
    plain = np.ones(256, np.bool_)
    plain[np.frombuffer(b"0123456789-+.eE" if dtype.is_float else b"0123456789-", np.uint8)] = False
    places = np.flatnonzero(plain[text]) + offsets[0]
    odd[np.searchsorted(offsets, places, "right") - 1] = True
    return odd


def _parse(cells: pa.StringArray, dtype: Dtype, decimal: str) -> tuple[Numbers, Mask, Mask]:
    """Cells without blanks → values, bad, wide."""
    if dtype is Dtype.BOOL:
        lower = pc.ascii_lower(cells)
        true = _named(lower, _TRUE)
        return true, ~(true | _named(lower, _FALSE)), np.zeros(len(cells), np.bool_)
    if dtype.is_float:
        return _parse_floats(cells, dtype, decimal)
    return _parse_integers(cells, dtype)


def _parse_floats(cells: pa.StringArray, dtype: Dtype, decimal: str) -> tuple[Numbers, Mask, Mask]:
    wide = np.zeros(len(cells), np.bool_)
    good = np.ones(len(cells), np.bool_)
    if decimal != ".":
        good = ~values_of(pc.match_substring(cells, ".")).view(np.bool_)
        cells = pc.replace_substring(cells, decimal, ".")
    else:
        try:
            return values_of(pc.cast(cells, ARROW_TYPES[dtype])), ~good, wide
        except pa.ArrowInvalid:
            pass
    good &= values_of(pc.match_substring_regex(cells, _FLOAT)).view(np.bool_)
    values: Numbers = np.zeros(len(cells), np.dtype(dtype.value))
    values[good] = values_of(pc.cast(cells.filter(bool_array(good)), ARROW_TYPES[dtype]))
    return values, ~good, wide


def _parse_integers(cells: pa.StringArray, dtype: Dtype) -> tuple[Numbers, Mask, Mask]:
    count = len(cells)
    values: Numbers = np.zeros(count, np.dtype(dtype.value))
    good = values_of(pc.match_substring_regex(cells, _INTEGER)).view(np.bool_)
    wide = np.zeros(count, np.bool_)
    # The parser refuses a plus, and a minus for unsigned types, even before a zero.
    digits = pc.replace_substring_regex(cells.filter(bool_array(good)), r"^(?:\+|(-))0*([0-9])", r"\1\2")
    digits = pc.replace_substring_regex(digits, r"^-(0+)$", r"\1")
    try:
        values[good] = values_of(pc.cast(digits, ARROW_TYPES[dtype]))
        return values, ~good, wide
    except pa.ArrowInvalid:
        pass
    short = values_of(pc.binary_length(digits)) <= 38
    exact = pc.cast(digits.filter(bool_array(short)), pa.decimal128(38, 0))
    bounds = np.iinfo(dtype.value)
    low, high = (
        pc.cast(text_array([str(Decimal(bound))]), pa.decimal128(38, 0))[0] for bound in (bounds.min, bounds.max)
    )
    within = values_of(pc.and_(pc.greater_equal(exact, low), pc.less_equal(exact, high))).view(np.bool_)
    fits = np.zeros(len(digits), np.bool_)
    fits[np.flatnonzero(short)[within]] = True
    rows = np.flatnonzero(good)
    wide[rows[~fits]] = True
    values[rows[fits]] = values_of(pc.cast(digits.filter(bool_array(fits)), ARROW_TYPES[dtype]))
    return values, ~good, wide


def _beyond(source: Numbers, target: np.dtype[Any]) -> Mask:
    """True where a whole number does not fit into the integer type."""
    if source.dtype == np.bool_:
        return np.zeros(len(source), np.bool_)
    bounds = np.iinfo(target)
    if source.dtype.kind == "f":
        # The upper bound of a 64-bit type rounds up to a power of two, which does not fit.
        return ~((source >= float(bounds.min)) & (source < float(bounds.max) + 1))
    own = np.iinfo(source.dtype)
    wide = np.zeros(len(source), np.bool_)
    if own.min < bounds.min:
        wide |= source < source.dtype.type(bounds.min)
    if own.max > bounds.max:
        wide |= source > source.dtype.type(bounds.max)
    return wide
