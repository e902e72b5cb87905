"""What is done to the cells of a column before they feed the model: declared in model.yaml, never learnt from data."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias


class DatePart(StrEnum):
    """Parts of a moment in UTC, or in its own local time where it has no zone."""

    YEAR = "year"
    QUARTER = "quarter"
    MONTH = "month"
    WEEK = "week"  # of ISO 8601, from 1
    DAY = "day"
    DAY_OF_WEEK = "day_of_week"  # 0 is Monday
    DAY_OF_YEAR = "day_of_year"  # from 1
    HOUR = "hour"
    MINUTE = "minute"
    SECOND = "second"


class TimeUnit(StrEnum):
    """Units of the time that has passed since a moment."""

    SECONDS = "seconds"
    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"

    @property
    def seconds(self) -> int:
        return {"seconds": 1, "minutes": 60, "hours": 3_600, "days": 86_400}[self.value]


@dataclass(frozen=True, kw_only=True)
class Categories:
    """Value → code. Values are compared as text: those of a whole-number column in plain decimal."""

    # Codes as text, parsed as the type of the tensor.
    codes: Mapping[str, str]
    # Code of a value that is not listed; None: its row is rejected.
    unknown: str | None = None


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A date or time → a number. Exactly one of `part` and `unit` is set."""

    part: DatePart | None = None
    # Time passed since `since`, as float64.
    unit: TimeUnit | None = None
    # ISO 8601; with a zone where the column has one.
    since: str = "1970-01-01"
    # strptime's codes, for text; None: ISO 8601.
    format: str | None = None


@dataclass(frozen=True, kw_only=True)
class Scale:
    """value · factor + offset, in float64."""

    factor: float = 1.0
    offset: float = 0.0


Conversion: TypeAlias = Categories | Moment | Scale


def conversion_of(data: Mapping[str, Any] | None) -> Conversion | None:
    """What `dataclasses.asdict` made of a conversion, read back."""
    if data is None:
        return None
    if "codes" in data:
        return Categories(codes=dict(data["codes"]), unknown=data["unknown"])
    if "factor" in data:
        return Scale(factor=data["factor"], offset=data["offset"])
    return Moment(
        part=DatePart(data["part"]) if data["part"] else None,
        unit=TimeUnit(data["unit"]) if data["unit"] else None,
        since=data["since"],
        format=data["format"],
    )
