"""Values that a person writes for a tensor: the fill for a null, the code of a category."""

import math
import re

import numpy as np

from scoring.core.columns import Dtype

# As cells of a CSV file are spelled; Python would take 1_000 and other digits, too.
_INTEGER = re.compile(r"[+-]?[0-9]{1,400}")
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]{1,9})?|nan", re.IGNORECASE)
_BOOLS = ("true", "false", "1", "0")


def is_value(text: str, dtype: Dtype) -> bool:
    """Whether the text reads as a value that the type holds. Any text is one of a string, NaN one of a float."""
    if dtype is Dtype.STRING:
        return True
    if dtype is Dtype.BOOL:
        return text.lower() in _BOOLS
    if dtype.is_float:
        return bool(_FLOAT.fullmatch(text)) and not _beyond(float(text), dtype)
    bounds = np.iinfo(dtype.value)
    return bool(_INTEGER.fullmatch(text)) and int(bounds.min) <= int(text) <= int(bounds.max)


def nearest(text: str, dtype: Dtype) -> int | None:
    """What the type makes of a whole number that it does not hold; None where it holds it, or that is not spelled as
    digits alone. text: a value of the type."""
    if not dtype.is_float or not _INTEGER.fullmatch(text):
        return None
    held = int(as_fed(text, dtype))
    return None if held == int(text) else held


def as_fed(text: str, dtype: Dtype) -> float:
    """The number that the text becomes in a float type."""
    return float(np.dtype(dtype.value).type(text))


def _beyond(value: float, dtype: Dtype) -> bool:
    return not math.isnan(value) and abs(value) > float(np.finfo(dtype.value).max)
