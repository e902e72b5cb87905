"""Values into codes: each distinct value is looked up once."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scoring.core.columns import Dtype
from scoring.core.conversions import Categories
from scoring.core.options import CsvDialect
from scoring.data.arrays import Ints, Mask, null_mask, number_array, text_array, values_of
from scoring.data.cast import cast_text


@dataclass(frozen=True, kw_only=True)
class Codes:
    """[n] codes of the tensor's type; null where the value is."""

    array: pa.Array
    # True where the value is not listed. Its code is the one for unknown values; undefined where there is none.
    unknown: Mask


def codes_of(cells: pa.Array, categories: Categories, dtype: Dtype) -> Codes:
    """cells: text, numbers or bools, or a dictionary of these; numbers are compared in plain decimal."""
    coded = _coded(cells)
    listed = pc.index_in(pc.cast(coded.dictionary, pa.string()), value_set=text_array(list(categories.codes)))
    count = len(categories.codes)
    places = np.append(_filled(listed, count), count + 1)
    index = places[_filled(coded.indices, len(listed))]
    # Behind the codes stands that of values that are not listed, and then what nulls may hold.
    other = categories.unknown if categories.unknown is not None else next(iter(categories.codes.values()))
    spelled = text_array([*categories.codes.values(), other, other])
    return Codes(array=_taken(spelled, index, index > count, dtype), unknown=index == count)


def _coded(cells: pa.Array) -> pa.DictionaryArray:
    if not pa.types.is_dictionary(cells.type):
        return cells.dictionary_encode()
    return cells if cells.dictionary.null_count == 0 else cells.dictionary_decode().dictionary_encode()


def _filled(index: pa.Array, value: int) -> Ints:
    nulls = null_mask(index)
    values = values_of(index).astype(np.int64)
    return values if nulls is None else np.where(nulls, value, values)


def _taken(spelled: pa.StringArray, index: Ints, nulls: Mask, dtype: Dtype) -> pa.Array:
    if dtype is Dtype.STRING:
        return spelled.take(number_array(index, nulls))
    return number_array(values_of(cast_text(spelled, dtype, CsvDialect()).array)[index], nulls)
