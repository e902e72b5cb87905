"""`categories` and `derive` of model.yaml: what is done to a column before it feeds the model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from scoring.core.conversions import Categories, DatePart, Moment, Scale, TimeUnit, conversion_of
from scoring.core.date_formats import pattern_of
from scoring.model.spec_values import bad, check_keys, choice, mapping, number, text

_LONG = ("codes", "unknown")
_DERIVE = ("column", "part", "unit", "since", "format", "scale", "offset")


@dataclass(frozen=True, kw_only=True)
class Derived:
    """A feature that is reckoned from a column."""

    # Column of the input.
    column: str
    conversion: Moment | Scale

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Derived":
        conversion = conversion_of(data["conversion"])
        if not isinstance(conversion, Moment | Scale):
            raise TypeError(f"a derived feature with {conversion!r}")
        return cls(column=data["column"], conversion=conversion)


def read_categories(column: str, value: Any) -> Categories:
    """`{free: 0, pro: 1}`, or `{codes: {…}, unknown: -1}`."""
    key = f"categories: {column}"
    table = mapping(key, value)
    if isinstance(table.get("codes"), dict):
        check_keys(key, table, _LONG)
        codes, unknown = mapping(f"{key}: codes", table["codes"]), table.get("unknown", "reject")
    else:
        _check_short(key, table)
        codes, unknown = table, "reject"
    if not codes:
        raise bad(key, "value: code pairs, such as {free: 0, pro: 1}", "none")
    other = text(f"{key}: unknown", unknown)
    return Categories(
        codes={name: text(f"{key}: {name}", code) for name, code in codes.items()},
        unknown=None if other == "reject" else other,
    )


def _check_short(key: str, table: Mapping[str, Any]) -> None:
    for word in _LONG:
        if word in table:
            raise bad(
                f"{key}: {word!r} may be a value or a rule",
                "{codes: {VALUE: CODE, …}, unknown: CODE or reject}",
                str(dict(table))[:80],
                remedy="write the long form; a value of that name stands under `codes`",
            )


def read_derived(feature: str, value: Any) -> Derived:
    """`{column: c, part: month}`, `{column: c, unit: days, since: 2020-01-01}` or `{column: c, scale: 0.01}`."""
    key = f"derive: {feature}"
    table = mapping(key, value)
    check_keys(key, table, _DERIVE)
    if "column" not in table:
        raise bad(key, "`column`: the column that it is reckoned from", str(dict(table))[:80])
    kinds = [kind for kind in ("part", "unit", "scale") if kind in table or (kind == "scale" and "offset" in table)]
    if len(kinds) != 1:
        raise bad(
            key,
            "one of `part` (of a date), `unit` (time since a date), or `scale` and `offset`",
            ", ".join(kinds) or "none",
        )
    column = text(f"{key}: column", table["column"])
    return Derived(column=column, conversion=_CONVERSIONS[kinds[0]](key, table))


def _part(key: str, table: Mapping[str, Any]) -> Moment:
    check_keys(key, table, ("column", "part", "format"))
    part = choice(f"{key}: part", table["part"], [part.value for part in DatePart])
    return Moment(part=DatePart(part), format=_format(key, table))


def _elapsed(key: str, table: Mapping[str, Any]) -> Moment:
    check_keys(key, table, ("column", "unit", "since", "format"))
    unit = choice(f"{key}: unit", table["unit"], [unit.value for unit in TimeUnit])
    since = text(f"{key}: since", table["since"]) if "since" in table else Moment.since
    try:
        datetime.fromisoformat(since)
    except ValueError as error:
        raise bad(f"{key}: since", "a date or time of ISO 8601, such as 2020-01-01", repr(since)) from error
    return Moment(unit=TimeUnit(unit), since=since, format=_format(key, table))


def _format(key: str, table: Mapping[str, Any]) -> str | None:
    if "format" not in table:
        return None
    told = text(f"{key}: format", table["format"])
    try:
        pattern_of(told)
    except ValueError as error:
        raise bad(f"{key}: format", "codes of strptime, such as '%d.%m.%Y'", f"{told!r}: {error}") from error
    return told


def _scale(key: str, table: Mapping[str, Any]) -> Scale:
    check_keys(key, table, ("column", "scale", "offset"))
    return Scale(
        factor=number(f"{key}: scale", table.get("scale", 1)), offset=number(f"{key}: offset", table.get("offset", 0))
    )


_CONVERSIONS: Mapping[str, Callable[[str, Mapping[str, Any]], Moment | Scale]] = {
    "part": _part,
    "unit": _elapsed,
    "scale": _scale,
}
