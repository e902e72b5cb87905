"""Text into moments. No cell is visited in Python, but for the few spellings that zones and months have."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scoring.core.date_formats import ISO_8601, pattern_of, place_of
from scoring.data.arrays import Ints, Mask, bool_array, null_mask, text_array, values_of

_DAY_SECONDS = 86_400


def read_text(cells: pa.StringArray, format: str | None) -> tuple[Ints, Ints, Mask, Mask]:
    """[n] seconds since 1970, nanoseconds beside them, whether there is a zone (then they are UTC's), and what is bad.

    A field that the format lacks is the first of its kind: January, day 1, midnight; a year that it lacks is 1970.
    """
    found = pc.extract_regex(cells, _pattern(format))
    misfits = null_mask(found)
    bad = np.zeros(len(cells), np.bool_) if misfits is None else misfits.copy()
    fields = _Fields(found, bad)
    days = _days(fields, bad)
    hours, minutes, seconds = _hours(fields, bad), fields.number("M"), fields.number("S")
    offsets, zoned = fields.zone()
    bad |= (minutes > 59) | (seconds > 59) | (offsets == _DAY_SECONDS)
    elapsed = days * _DAY_SECONDS + hours * 3_600 + minutes * 60 + seconds - offsets
    return elapsed, fields.nanoseconds(), zoned, bad


@lru_cache(maxsize=64)
def _pattern(format: str | None) -> str:
    return ISO_8601 if format is None else pattern_of(format)


class _Fields:
    """The groups of a pattern, each as numbers. bad: [n] cells that do not fit the pattern."""

    def __init__(self, found: pa.StructArray, bad: Mask) -> None:
        names = [found.type.field(place).name for place in range(found.type.num_fields)]
        empty = text_array([""])[0]
        self._found = {name: pc.if_else(bool_array(bad), empty, found.field(place)) for place, name in enumerate(names)}
        self._count = len(found)

    def has(self, code: str) -> bool:
        return code in self._found

    def number(self, code: str, default: int = 0) -> Ints:
        """`default` where the group is not there, or has matched nothing."""
        if code not in self._found:
            return np.full(self._count, default, np.int64)
        cells = self._found[code]
        empty = bool_array(values_of(pc.binary_length(cells)) == 0)
        return _whole(pc.if_else(empty, text_array([str(default)])[0], cells))

    def place(self, code: str) -> Ints:
        """Of a name in its list, from 0."""
        return self._mapped(code, lambda name: place_of(code, name) if name else 0)

    def nanoseconds(self) -> Ints:
        if not self.has("f"):
            return np.zeros(self._count, np.int64)
        return _whole(pc.ascii_rpad(self._found["f"], 9, "0"))

    def zone(self) -> tuple[Ints, Mask]:
        """Seconds east of UTC, _DAY_SECONDS where there is no such zone; and where a zone is named at all."""
        if not self.has("z"):
            return np.zeros(self._count, np.int64), np.zeros(self._count, np.bool_)
        return self._mapped("z", _offset), values_of(pc.binary_length(self._found["z"])) > 0

    def _mapped(self, code: str, value: Callable[[str], int]) -> Ints:
        coded = self._found[code].dictionary_encode()
        values = np.array([value(text) for text in coded.dictionary.to_pylist()], np.int64)
        mapped: Ints = values[values_of(coded.indices)]
        return mapped


def _whole(cells: pa.StringArray) -> Ints:
    return values_of(pc.cast(cells, pa.int64()))


def _offset(zone: str) -> int:
    if zone in ("", "Z", "z"):
        return 0
    hours, minutes = int(zone[1:3]), int(zone[3:].lstrip(":") or 0)
    if hours > 23 or minutes > 59:
        return _DAY_SECONDS
    return (hours * 3_600 + minutes * 60) * (-1 if zone[0] == "-" else 1)


def _days(fields: _Fields, bad: Mask) -> Ints:
    """Since 1970-01-01."""
    years = _years(fields)
    bad |= years < 1
    if fields.has("j"):
        starts, ends, number = _starts(years, 0), _starts(years, 12), fields.number("j", 1)
    else:
        months = _months(fields)
        bad |= (months < 1) | (months > 12)
        starts, ends, number = _starts(years, months - 1), _starts(years, months), fields.number("d", 1)
    bad |= (number < 1) | (starts + number > ends)
    return starts + number - 1


def _years(fields: _Fields) -> Ints:
    if not fields.has("y"):
        return fields.number("Y", 1970)
    short = fields.number("y")
    # As POSIX has it.
    return short + np.where(short < 69, 2_000, 1_900)


def _months(fields: _Fields) -> Ints:
    named = next((code for code in "bB" if fields.has(code)), None)
    return fields.number("m", 1) if named is None else fields.place(named) + 1


def _starts(years: Ints, months: Ints | int) -> Ints:
    """First day of the month that lies `months` behind January of the year, in days since 1970-01-01."""
    count: Ints = (years - 1970) * 12 + months
    first: Ints = count.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return first


def _hours(fields: _Fields, bad: Mask) -> Ints:
    hours = fields.number("H")
    if fields.has("I"):
        half = fields.number("I", 12)
        bad |= (half < 1) | (half > 12)
        hours = half % 12 + 12 * fields.place("p")
    bad |= hours > 23
    return hours
