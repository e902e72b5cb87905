"""What CONTRACT section 9 says of a cell, written down a second time, in plain Python and without our code.

A verdict is the value that the model must be fed, the code of a reject, NULL, or SILENT where the contract leaves it
open: then the row may be scored or rejected, but it must be one of the two.
"""

import json
import math
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Reject:
    """The row is rejected for this cell."""

    code: str


@dataclass(frozen=True)
class Word:
    said: str


NULL, SILENT = Word("null"), Word("silent")

BAD_VALUE, OUT_OF_RANGE, NULL_VALUE = Reject("bad_value"), Reject("out_of_range"), Reject("null_value")

Verdict = Any

_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"-?[0-9]+")
_RANGES = {"int64": range(-(2**63), 2**63), "uint8": range(2**8)}


def judge_csv(text: str, dtype: str) -> Verdict:
    """A cell of CSV without --na and --trim."""
    if dtype == "string":
        return text
    if not text:
        return NULL
    cell = text.strip(" \t")
    if not cell:
        return BAD_VALUE
    if dtype == "bool":
        return {"true": True, "1": True, "false": False, "0": False}.get(cell, _open_bool(cell))
    return _integer(cell, dtype) if dtype in _RANGES else _float(cell, dtype)


def judge_json(literal: str | None, dtype: str) -> Verdict:
    """A member of a line of JSON as it is spelled; None: the member is missing."""
    if literal is None or literal == "null":
        return NULL
    if literal in ("NaN", "Infinity", "-Infinity"):
        return BAD_VALUE
    value = json.loads(literal, parse_int=Literal, parse_float=Literal)
    if isinstance(value, Literal):
        return _json_number(value.text, dtype)
    if dtype == "string" and isinstance(value, str):
        return BAD_VALUE if _has_surrogate(value) else value
    if dtype == "bool" and isinstance(value, bool):
        return value
    return BAD_VALUE


@dataclass(frozen=True)
class Literal:
    """A number of JSON, as it is spelled."""

    text: str


def judge_native(value: Any, dtype: str) -> Verdict:
    """A value of a Parquet column whose type may feed the tensor."""
    if value is None:
        return NULL
    if isinstance(value, float) and math.isnan(value):
        return NULL if dtype.startswith("float") else SILENT
    if dtype == "string":
        return str(value)
    if dtype == "bool":
        return {0: False, 1: True}.get(value, BAD_VALUE)
    if dtype in _RANGES:
        return _native_integer(value, dtype)
    if isinstance(value, float):
        return OUT_OF_RANGE if math.isinf(value) else _fitting(_cast(value, dtype))
    return _whole(int(value), dtype)


def _native_integer(value: Any, dtype: str) -> Verdict:
    if isinstance(value, float) and not math.isinf(value) and value != int(value):
        # A fraction that lies beyond the type as well has two faults.
        return BAD_VALUE if int(value) in _RANGES[dtype] else SILENT
    if isinstance(value, float) and math.isinf(value):
        return OUT_OF_RANGE
    return int(value) if int(value) in _RANGES[dtype] else OUT_OF_RANGE


def after_null_rule(verdict: Verdict, dtype: str, nulls: str) -> Verdict:
    """What a NULL becomes under `--nulls`; other verdicts stay."""
    if verdict is not NULL:
        return verdict
    if nulls.startswith("fill="):
        return {"bool": False, "string": "0"}.get(dtype, 0)
    return math.nan if nulls == "nan" and dtype.startswith("float") else NULL_VALUE


def _json_number(text: str, dtype: str) -> Verdict:
    if dtype == "string":
        return SILENT if _INTEGER.fullmatch(text) else BAD_VALUE
    if dtype == "bool":
        return {"0": False, "1": True}.get(text, SILENT)
    return _integer(text, dtype) if dtype in _RANGES else _float(text, dtype)


def _float(cell: str, dtype: str) -> Verdict:
    if cell.lower() == "nan":
        return NULL
    if cell in ("inf", "-inf"):
        return OUT_OF_RANGE
    if _INTEGER.fullmatch(cell):
        return _whole(int(cell), dtype, negative=cell.startswith("-"))
    if _DECIMAL.fullmatch(cell):
        return _fitting(_rounded(cell, dtype))
    return SILENT if _python_reads(cell) else BAD_VALUE


def _integer(cell: str, dtype: str) -> Verdict:
    if _INTEGER.fullmatch(cell):
        return int(cell) if int(cell) in _RANGES[dtype] else OUT_OF_RANGE
    if _DECIMAL.fullmatch(cell):
        exponent = int(cell.lower().partition("e")[2] or 0)
        return SILENT if abs(exponent) > 400 or Fraction(cell).denominator == 1 else BAD_VALUE
    return SILENT if _python_reads(cell) else BAD_VALUE


def _whole(number: int, dtype: str, *, negative: bool = False) -> Verdict:
    """A whole number in a float tensor: rounded up to 2^53, beyond it held exactly or rejected."""
    value = _cast(float(number) if abs(number) < 2**1024 - 2**970 else math.inf, dtype) if dtype == "float64" else None
    value = _nearest32(Fraction(number)) if value is None else value
    if math.isinf(value) or (abs(number) > 2**53 and int(value) != number):
        return OUT_OF_RANGE
    return type(value)(-0.0) if negative and number == 0 else value


def _rounded(text: str, dtype: str) -> np.floating:
    """The decimal text, rounded once."""
    if dtype == "float64":
        return np.float64(float(text))
    exponent = int(text.lower().partition("e")[2] or 0)
    # Beyond this the value is zero or infinite, and a Fraction of it would not fit into memory.
    if abs(exponent) > 400:
        return np.float32(float(text))
    value = _nearest32(Fraction(text))
    return np.float32(-0.0) if value == 0 and text.startswith("-") else value


def _nearest32(exact: Fraction) -> np.float32:
    with np.errstate(over="ignore"):
        middle = np.float32(float(exact) if abs(exact) < 2**1000 else math.inf * (1 if exact > 0 else -1))
        if not np.isfinite(middle):
            return middle
        near = [middle, np.nextafter(middle, np.float32(-math.inf)), np.nextafter(middle, np.float32(math.inf))]
    finite = [each for each in near if np.isfinite(each)]
    even = {each: int(each.view(np.uint32)) % 2 for each in finite}
    return min(finite, key=lambda each: (abs(Fraction(float(each)) - exact), even[each]))


def _cast(value: float, dtype: str) -> np.floating:
    with np.errstate(over="ignore"):
        return np.dtype(dtype).type(value)


def _fitting(value: np.floating) -> Verdict:
    return value if np.isfinite(value) else OUT_OF_RANGE


def _open_bool(cell: str) -> Verdict:
    return SILENT if cell.lower() in ("true", "false") or _python_reads(cell) else BAD_VALUE


def _python_reads(cell: str) -> bool:
    """Some number, though not as the contract spells it."""
    if "_" in cell:
        return False
    try:
        float(cell)
    except ValueError:
        return bool(re.fullmatch(r"(?i)[+-]?nan\([a-z0-9_]*\)", cell))
    return True


def _has_surrogate(text: str) -> bool:
    return any(0xD800 <= ord(character) <= 0xDFFF for character in text)
