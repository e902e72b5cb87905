"""Whether a column, and what the spec does to it, may feed an input of some type."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from scoring.core.columns import Dtype
from scoring.core.conversions import Categories, Conversion, Moment, Scale
from scoring.core.errors import InputRefused
from scoring.core.source import ColumnKind, FileColumn
from scoring.model.catalogue import Feature
from scoring.model.features import Feed
from scoring.model.spec_values import bad
from scoring.model.values import as_fed, is_value, nearest

_TEXTS = (ColumnKind.TEXT, ColumnKind.STRING, ColumnKind.JSON)
_NUMBERS = (ColumnKind.FLOAT, ColumnKind.INTEGER, ColumnKind.BOOL, ColumnKind.DECIMAL)
_TAKES: dict[type[Conversion], tuple[tuple[ColumnKind, ...], str]] = {
    Categories: ((*_TEXTS, ColumnKind.INTEGER, ColumnKind.BOOL), "text, whole numbers or bool, one per row"),
    Moment: ((*_TEXTS, ColumnKind.MOMENT), "dates, times, or text, one per row"),
    Scale: ((ColumnKind.TEXT, ColumnKind.JSON, *_NUMBERS), "numbers, one per row"),
}
"""What a conversion can be done to."""


def check_fits(feature: Feature, feed: Feed) -> None:
    """InputRefused where the column's type does not fit, ModelRefused where the spec does not."""
    if feature.conversion is None:
        what = f"the input {feed.tensor.name!r}"
        check_kind(feature.column, feed.tensor.dtype, what=what, element=bool(feed.lists))
    else:
        _check_conversion(feature, feature.conversion, feed)


def check_kind(column: FileColumn, dtype: Dtype, *, what: str, element: bool = False) -> None:
    """InputRefused where the column, or an element of its lists, is nothing that reads as `dtype`.

    Text never becomes a number, nor a fraction text: both would be guesses about how it is written.
    """
    kind = (column.element if element else None) or column.kind
    if kind in (ColumnKind.TEXT, ColumnKind.JSON):
        return
    if kind in ((ColumnKind.STRING, ColumnKind.INTEGER) if dtype is Dtype.STRING else _NUMBERS):
        return
    remedy = "cast the column when the file is written, or map another one in model.yaml"
    if kind is ColumnKind.MOMENT:
        derive = f"derive: {{{column.name}: {{column: {column.name}, part: month}}}}"
        remedy = f"say in model.yaml what the model gets of it, such as `{derive}`"
    raise InputRefused(
        f"column {column.name!r} cannot feed {what}",
        expected="text or integers" if dtype is Dtype.STRING else f"a column of numbers, for {dtype}",
        got=column.type,
        remedy=remedy,
    )


def _check_conversion(feature: Feature, conversion: Conversion, feed: Feed) -> None:
    column, dtype = feature.column, feed.tensor.dtype
    kinds, words = _TAKES[type(conversion)]
    if feed.lists or column.kind not in kinds:
        raise InputRefused(
            f"column {column.name!r} cannot be converted as model.yaml says",
            expected=words,
            got=column.type,
            remedy="correct `categories` or `derive` in model.yaml, or cast the column when the file is written",
        )
    if isinstance(conversion, Categories):
        _check_codes(feature.name, conversion, dtype)
    elif dtype in (Dtype.STRING, Dtype.BOOL):
        raise bad(feature.name, f"an input of numbers, not {feed.tensor.name!r}", dtype)
    elif isinstance(conversion, Moment):
        _check_moment(feature, conversion)


def _check_codes(name: str, categories: Categories, dtype: Dtype) -> None:
    codes = {**categories.codes, **({} if categories.unknown is None else {"unknown": categories.unknown})}
    for value, code in codes.items():
        if not is_value(code, dtype):
            raise bad(name, f"codes of type {dtype}", f"{code!r} for {value!r}")
        held = nearest(code, dtype)
        if held is not None:
            raise bad(
                name, f"codes that {dtype} holds exactly", f"{code} for {value!r}, of which {held} is the nearest"
            )
    if dtype.is_float:
        _check_apart(name, codes, dtype)


def _check_apart(name: str, codes: Mapping[str, str], dtype: Dtype) -> None:
    """Two codes that are one number in the tensor would be one category."""
    seen: dict[float, str] = {}
    for code in codes.values():
        other = seen.setdefault(as_fed(code, dtype), code)
        if other != code and Decimal(other) != Decimal(code):
            raise bad(name, f"codes that {dtype} tells apart", f"{other} and {code}")


def _check_moment(feature: Feature, moment: Moment) -> None:
    column = feature.column
    if column.kind is not ColumnKind.MOMENT:
        return
    if moment.format is not None:
        raise bad(feature.name, "no `format`: the file says what the dates are", column.type)
    clock = moment.part is not None and moment.part.value in ("hour", "minute", "second")
    if column.type.startswith("time") and not column.type.startswith("timestamp") and not clock:
        raise bad(feature.name, "the part hour, minute or second of a time of day", column.type)
    if column.type.startswith("date") and clock:
        raise bad(feature.name, "a part that a date without a time has", column.type)
    zoned = datetime.fromisoformat(moment.since).tzinfo is not None
    if moment.unit is not None and zoned != ("tz=" in column.type):
        zone = "without a zone" if zoned else "with a zone, such as 2020-01-01T00:00Z"
        raise bad(feature.name, f"`since` {zone}, as the column is", f"{moment.since} for {column.type}")
