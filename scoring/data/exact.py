"""Whole numbers in float types: which of them a type does not hold exactly."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scoring.core.columns import EXACT_BITS, Dtype, Lossy
from scoring.data.arrays import Mask, Numbers, bool_array, values_of

_ROUNDED_BITS = EXACT_BITS[Dtype.FLOAT64]
"""Beyond them an inexact whole number is rejected, unless the job says `--lossy round`."""

_WHOLE = r"^[ \t]*[+-]?0*([0-9]+)[ \t]*$"
_UINT64_DIGITS = 19
"""A text of so many digits is below 2^64."""


@dataclass(frozen=True, kw_only=True)
class Inexact:
    """Whole numbers that their float type rounds."""

    # [n] True for these numbers.
    rows: Mask
    # [n] True for those of them that lie beyond 2^53.
    huge: Mask

    def among(self, rows: Mask) -> "Inexact | None":
        kept = self.rows & rows
        return Inexact(rows=kept, huge=self.huge & rows) if kept.any() else None

    def refused(self, lossy: Lossy | None) -> Mask:
        """Those that are rejected; the others are rounded, and counted."""
        if lossy is Lossy.REJECT:
            return self.rows
        return self.huge if lossy is None else np.zeros(len(self.rows), np.bool_)


def inexact_integers(values: Numbers, dtype: Dtype) -> Inexact | None:
    """values: [n] of an integer type. None: all are held exactly, which costs two passes at most."""
    limit = 1 << EXACT_BITS[dtype]
    bounds = np.iinfo(values.dtype)
    if not len(values) or (bounds.max <= limit and bounds.min >= -limit):
        return None
    if int(values.max()) <= limit and int(values.min()) >= -limit:
        return None
    negative = values < 0
    size = values.astype(np.uint64)
    return _judged(np.where(negative, np.uint64(0) - size, size), dtype)


def has_large(values: Numbers) -> bool:
    """Whether floats are so large that whole numbers may have been rounded on the way to them."""
    limit = 1 << EXACT_BITS[Dtype(values.dtype.name)]
    return bool(len(values)) and bool(np.fmax.reduce(values) >= limit or np.fmin.reduce(values) <= -limit)


def inexact_text(cells: pa.StringArray, values: Numbers, dtype: Dtype) -> Inexact | None:
    """Numbers that are spelled as digits alone. cells: [n] what `values` of a float type were read from."""
    if not has_large(values):
        return None
    large = np.isfinite(values) & (np.abs(values) >= 1 << EXACT_BITS[dtype])
    found = _judged_cells(cells.filter(bool_array(large)), dtype)
    if found is None:
        return None
    rows, huge = np.zeros(len(values), np.bool_), np.zeros(len(values), np.bool_)
    rows[large], huge[large] = found.rows, found.huge
    return Inexact(rows=rows, huge=huge)


def _judged_cells(cells: pa.StringArray, dtype: Dtype) -> Inexact | None:
    try:
        return inexact_integers(values_of(pc.cast(cells, pa.int64())), dtype)
    except pa.ArrowInvalid:
        pass
    whole = values_of(pc.match_substring_regex(cells, _WHOLE)).view(np.bool_)
    found = _judged_text(pc.replace_substring_regex(cells.filter(bool_array(whole)), _WHOLE, r"\1"), dtype)
    rows, huge = np.zeros(len(cells), np.bool_), np.zeros(len(cells), np.bool_)
    rows[whole], huge[whole] = found.rows, found.huge
    return Inexact(rows=rows, huge=huge) if rows.any() else None


def _judged(sizes: "np.ndarray[tuple[int, ...], np.dtype[np.uint64]]", dtype: Dtype) -> Inexact | None:
    """sizes: [n] without their sign. A number is held if it has few enough bits without its trailing zeros."""
    lowest = sizes & (np.uint64(0) - sizes)
    rows = sizes // np.maximum(lowest, np.uint64(1)) >= np.uint64(1 << EXACT_BITS[dtype])
    return Inexact(rows=rows, huge=rows & (sizes > np.uint64(1 << _ROUNDED_BITS))) if rows.any() else None


def _judged_text(digits: pa.StringArray, dtype: Dtype) -> Inexact:
    rows, huge = np.zeros(len(digits), np.bool_), np.zeros(len(digits), np.bool_)
    short = values_of(pc.binary_length(digits)) <= _UINT64_DIGITS
    if short.any():
        found = _judged(values_of(pc.cast(digits.filter(bool_array(short)), pa.uint64())), dtype)
        if found is not None:
            rows[short], huge[short] = found.rows, found.huge
    for row in np.flatnonzero(~short).tolist():
        size = int(digits[row].as_py())
        rows[row] = huge[row] = (size // (size & -size)).bit_length() > EXACT_BITS[dtype]
    return Inexact(rows=rows, huge=huge)
