"""Dates and times as numbers: parts of a moment, or the time since one. To the nanosecond, and without a locale."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scoring.core.conversions import DatePart, Moment
from scoring.data.arrays import Ints, Mask, Numbers, null_mask, values_of
from scoring.data.moment_text import read_text

DAY = 86_400 * 10**9
"""Nanoseconds."""

_UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


@dataclass(frozen=True, kw_only=True)
class Moments:
    """[n] moments. What stands where `bad` is undefined."""

    # Since 1970-01-01, in the Gregorian calendar of all times.
    days: Ints
    # Of the day.
    nanoseconds: Ints
    # True where the moment is one of UTC; else it is local time without a zone.
    zoned: Mask
    # True where the cell is no moment.
    bad: Mask


def moments_of(cells: pa.Array, format: str | None) -> Moments:
    """Dates, timestamps and times of day of any unit as they are, text as `format` says (None: ISO 8601).

    Nulls are whatever they are.
    """
    kind = cells.type
    if pa.types.is_date32(kind):
        return _exact(values_of(cells.view(pa.int32())).astype(np.int64), 1, zoned=False)
    if pa.types.is_date64(kind):
        return _exact(values_of(cells.view(pa.int64())), 86_400_000, zoned=False)
    if pa.types.is_timestamp(kind):
        return _exact(values_of(cells.view(pa.int64())), DAY // _UNITS[kind.unit], zoned=kind.tz is not None)
    if pa.types.is_time(kind):
        width = pa.int32() if pa.types.is_time32(kind) else pa.int64()
        return _exact(values_of(cells.view(width)).astype(np.int64), DAY // _UNITS[kind.unit], zoned=False)
    return _of_text(cells, format)


def numbers_of(moments: Moments, conversion: Moment) -> Numbers:
    """[n] int64 parts, or float64 units since `conversion.since`."""
    if conversion.part is not None:
        return _PARTS[conversion.part](moments)
    if conversion.unit is None:
        raise ValueError("neither a part nor a unit of a moment")
    days, nanoseconds, _ = epoch_of(conversion.since)
    unit = conversion.unit.seconds * 10**9
    # Whole units apart from what is left, each exact: one rounding in all.
    whole, rest = np.divmod(moments.nanoseconds - nanoseconds, unit)
    numbers: Numbers = ((moments.days - days) * (DAY // unit) + whole).astype(np.float64) + rest / unit
    return numbers


@lru_cache(maxsize=64)
def epoch_of(since: str) -> tuple[int, int, bool]:
    """Days, nanoseconds of the day, and whether `since` has a zone."""
    moment = datetime.fromisoformat(since)
    zoned = moment.tzinfo is not None
    gone = (moment if zoned else moment.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    return gone.days, (gone.seconds * 10**6 + gone.microseconds) * 1_000, zoned


def _exact(values: Ints, per_day: int, *, zoned: bool) -> Moments:
    days, rest = np.divmod(values, per_day)
    none = np.zeros(len(values), np.bool_)
    return Moments(days=days, nanoseconds=rest * (DAY // per_day), zoned=none | zoned, bad=none)


def _of_text(cells: pa.Array, format: str | None) -> Moments:
    coded = cells if pa.types.is_dictionary(cells.type) else cells.dictionary_encode()
    seconds, nanoseconds, zoned, bad = read_text(pc.cast(coded.dictionary, pa.string()), format)
    days, rest = np.divmod(seconds, 86_400)
    values = rest * 10**9 + nanoseconds
    if not len(days):
        none = np.zeros(len(cells), np.int64)
        return Moments(days=none, nanoseconds=none, zoned=none.astype(np.bool_), bad=none.astype(np.bool_))
    index = values_of(coded.indices)
    nulls = null_mask(coded.indices)
    index = index if nulls is None else np.where(nulls, 0, index)
    return Moments(days=days[index], nanoseconds=values[index], zoned=zoned[index], bad=bad[index])


def _dates(moments: Moments) -> "np.ndarray[tuple[int], np.dtype[np.datetime64]]":
    return moments.days.astype("datetime64[D]")


def _months(moments: Moments) -> Ints:
    """Since January 1970."""
    months: Ints = _dates(moments).astype("datetime64[M]").astype(np.int64)
    return months


def _years(moments: Moments) -> Ints:
    """Since 1970."""
    return _months(moments) // 12


def _day_of_month(moments: Moments) -> Ints:
    first = _months(moments).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return moments.days - first + 1


def _day_of_week(moments: Moments) -> Ints:
    # 1970-01-01 was a Thursday.
    return (moments.days + 3) % 7


def _first_days(years: Ints) -> Ints:
    first: Ints = years.astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)
    return first


def _week(moments: Moments) -> Ints:
    """A week belongs to the year of its Thursday."""
    thursdays = moments.days - _day_of_week(moments) + 3
    years = thursdays.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64)
    return (thursdays - _first_days(years)) // 7 + 1


_PARTS: dict[DatePart, Callable[[Moments], Ints]] = {
    DatePart.YEAR: lambda moments: _years(moments) + 1970,
    DatePart.QUARTER: lambda moments: _months(moments) % 12 // 3 + 1,
    DatePart.MONTH: lambda moments: _months(moments) % 12 + 1,
    DatePart.WEEK: _week,
    DatePart.DAY: _day_of_month,
    DatePart.DAY_OF_WEEK: _day_of_week,
    DatePart.DAY_OF_YEAR: lambda moments: moments.days - _first_days(_years(moments)) + 1,
    DatePart.HOUR: lambda moments: moments.nanoseconds // (3_600 * 10**9),
    DatePart.MINUTE: lambda moments: moments.nanoseconds // (60 * 10**9) % 60,
    DatePart.SECOND: lambda moments: moments.nanoseconds // 10**9 % 60,
}
