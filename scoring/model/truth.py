"""Label columns and predicted labels → codes or numbers, through their distinct values."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from scoring.core.accuracy.labels import Labels
from scoring.core.binding import Prediction, Task
from scoring.model.arrays import text_array, to_numpy, valid, values_of

_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_NUMERIC = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal, pa.types.is_null)
_NUMERALS = re.compile(r"[+-]?\d+(\.0*)?")


@dataclass(frozen=True, kw_only=True)
class LabelForm:
    """How labels of any type become text for one prediction: two jobs of one form can share a file's texts."""

    # Regression: what counts is the number.
    numbers: bool
    # What true and false are called among the classes.
    true: str
    false: str

    @classmethod
    def of(cls, prediction: Prediction) -> "LabelForm":
        numbers = prediction.task is Task.REGRESSION
        true, false = (_spelled(name, ("1",) if numbers else prediction.classes) for name in ("true", "false"))
        return cls(numbers=numbers, true=true, false=false)


def label_texts(column: pa.Array, form: LabelForm) -> pa.Array:
    """A column of labels as text, null where there is none: blank texts and NaN are none.

    `labels_of` and `numbers_of` make the same of the texts as of the column, so that a label that comes late counts as
    it would have in the input: to the last bit, for floats have the shortest form that reads back.
    """
    if pa.types.is_dictionary(column.type):
        column = pc.cast(column, column.type.value_type)
    if pa.types.is_boolean(column.type):
        names = text_array([form.false, form.true])
        return names.take(pc.cast(column, pa.int8()))
    if form.numbers and any(kind(column.type) for kind in _NUMERIC):
        # As `numbers_of` reckons: a float32 is widened before it is written.
        column = pc.cast(column, pa.float64(), safe=False)
    texts = pc.utf8_trim_whitespace(pc.cast(column, pa.string()))
    none = text_array(["", "nan"] if pa.types.is_floating(column.type) else [""])
    return pc.if_else(pc.is_in(texts, value_set=none), pa.nulls(len(texts), pa.string()), texts)


def labels_of(column: pa.Array, classes: Sequence[str] = ()) -> Labels:
    """A column of any plain type as codes and names; nulls and blank texts are −1.

    classes: a column of bool is spelled 0 and 1 where the model's classes are numbers, else as they spell it.
    """
    if pa.types.is_dictionary(column.type):
        column = pc.cast(column, column.type.value_type)
    encoded = column.dictionary_encode()
    codes = np.where(valid(encoded.indices), values_of(encoded.indices), -1).astype(np.int64)
    names = [name or "" for name in pc.cast(encoded.dictionary, pa.string()).to_pylist()]
    if pa.types.is_boolean(column.type):
        names = [_spelled(name, classes) for name in names]
    # Code −1 picks the last entry.
    present = np.array([bool(name.strip()) for name in names] + [False])
    return Labels(codes=np.where(present[codes], codes, -1), names=tuple(names))


def predicted_labels(values: NDArray[Any]) -> Labels:
    """Predicted labels as a model gives them: integers, bool, floats or text, [n]."""
    if values.dtype.kind in "OU":
        return labels_of(text_array(values.tolist()))
    distinct, codes = np.unique(values, return_inverse=True)
    return Labels(codes=codes.astype(np.int64), names=tuple(str(value) for value in distinct.tolist()))


def numbers_of(column: pa.Array) -> NDArray[np.float64]:
    """A column of numbers or of text as float64 [n]; NaN where there is no number."""
    if pa.types.is_dictionary(column.type):
        column = pc.cast(column, column.type.value_type)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return _parsed(pc.utf8_trim_whitespace(column))
    if not any(kind(column.type) for kind in _NUMERIC):
        return np.full(len(column), np.nan)
    wide = pc.cast(column, pa.float64(), safe=False)
    return np.where(valid(wide), values_of(wide), np.nan)


def _parsed(texts: pa.Array) -> NDArray[np.float64]:
    """Only texts that are numbers are cast, so that the cast cannot fail."""
    matches = pc.match_substring_regex(texts, _NUMBER)
    numbers = np.full(len(texts), np.nan)
    numbers[valid(matches) & values_of(matches)] = to_numpy(pc.cast(texts.filter(matches), pa.float64()))
    return numbers


def _spelled(name: str, classes: Sequence[str]) -> str:
    if classes and all(_NUMERALS.fullmatch(text.strip()) for text in classes):
        return "1" if name == "true" else "0"
    return next((text for text in classes if text.strip().lower() == name), name)
