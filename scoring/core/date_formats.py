"""What text a date format takes, as a pattern. ISO 8601 where none is declared; no locale, and no guess."""

import re

_NAMES = {
    "b": ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    "B": (
        *("january", "february", "march", "april", "may", "june", "july"),
        *("august", "september", "october", "november", "december"),
    ),
    "a": ("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
    "A": ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    "p": ("am", "pm"),
}

_ZONE = r"[Zz]|[+-]\d{2}(?::?\d{2})?"

_CODES = {
    "Y": r"\d{4}",
    "y": r"\d{2}",
    **dict.fromkeys(("m", "d", "H", "I", "M", "S"), r"\d{1,2}"),
    "j": r"\d{1,3}",
    "f": r"\d{1,9}",
    "z": _ZONE,
    **{code: f"(?i:{'|'.join(names)})" for code, names in _NAMES.items()},
}

ISO_8601 = (
    r"^(?P<Y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})"
    r"(?:[Tt ](?P<H>\d{2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,](?P<f>\d{1,9}))?)?(?P<z>" + _ZONE + r")?)?$"
)
"""A date, or a date and a time of day to the nanosecond at most, with or without a zone."""

_CLASHES = ("Yy", "mbBj", "dj", "HI")


def place_of(code: str, name: str) -> int:
    """Place of a month or half day in its list, from 0; letters of either case."""
    return _NAMES[code].index(name.lower())


def pattern_of(format: str) -> str:
    """Named groups for the codes of strptime that `format` has. Raises ValueError, which says what is wrong with it."""
    codes: list[str] = []
    pattern = "^"
    for part in re.findall(r"%.|%$|[^%]+", format, re.DOTALL):
        if part[0] != "%":
            pattern += re.escape(part)
        elif part == "%%":
            pattern += "%"
        elif part[1:] not in _CODES:
            raise ValueError(f"{part} is none of %{', %'.join(_CODES)}, %%")
        else:
            codes.append(part[1:])
            pattern += f"(?P<{codes[-1]}>{_CODES[codes[-1]]})"
    _check(codes)
    return pattern + "$"


def _check(codes: list[str]) -> None:
    if not codes:
        raise ValueError("it has no code, such as %Y")
    for group in (*codes, *_CLASHES):
        found = [code for code in codes if code in group]
        if len(found) > 1:
            raise ValueError(f"%{' and %'.join(found)} say the same thing twice")
    if ("I" in codes) != ("p" in codes):
        raise ValueError("%I and %p go together")
    if not set(codes) & set("HI") and not set(codes) & set("Yy"):
        raise ValueError("it has no year: %Y or %y")
    if set(codes) & set("mbBdj") and not set(codes) & set("Yy"):
        raise ValueError("a day without its year is no date: %Y or %y")
