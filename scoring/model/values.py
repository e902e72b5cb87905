"""Values that a person writes for a tensor: the fill for a null, the code of a category."""

import math

import numpy as np

from scoring.core.columns import Dtype


def is_value(text: str, dtype: Dtype) -> bool:
    """Whether the text reads as a value that the type holds. Any text is one of a string, NaN one of a float."""
    if dtype is Dtype.STRING:
        return True
    if dtype is Dtype.BOOL:
        return text.strip().lower() in ("true", "false", "0", "1")
    return _is_float(text, dtype) if dtype.is_float else _is_integer(text, dtype)


def _is_float(text: str, dtype: Dtype) -> bool:
    try:
        value = float(text)
    except ValueError:
        return False
    return math.isnan(value) or abs(value) <= float(np.finfo(dtype.value).max)


def _is_integer(text: str, dtype: Dtype) -> bool:
    try:
        value = int(text)
    except ValueError:
        return False
    bounds = np.iinfo(dtype.value)
    return int(bounds.min) <= value <= int(bounds.max)
