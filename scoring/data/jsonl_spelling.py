"""Text columns of parsed JSON lines: the spelling of what the parser has read as numbers or booleans.

A parser gives 12.5 for `12.50`. Where a block has no object in an object and no escape, the spelling is found in its
text: there `"name":` stands once in each row that has the member, and nowhere else.
"""

import re
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from scoring.data.arrays import null_mask, text_array
from scoring.data.jsonl_blocks import LineBlock
from scoring.data.jsonl_lines import Number, Value

_INT64_DIGITS = 19
_MINUS_ZERO = re.compile(rb"-0[^.eE0-9]")


def text_type(values: Sequence[Value]) -> pa.DataType | None:
    """What the parser reads the cells of a text column as; None where they are of several kinds, lists or objects."""
    kinds = set(map(type, values)) - {type(None)}
    if kinds <= {str}:
        return pa.string()
    if kinds == {bool}:
        return pa.bool_()
    if kinds == {Number}:
        return pa.int64() if all(_plain(value) for value in values if isinstance(value, Number)) else pa.float64()
    return None


def text_of(array: pa.Array, name: str, block: LineBlock) -> pa.StringArray | None:
    """Texts, numbers and booleans as they are spelled; None where that is not known."""
    if pa.types.is_string(array.type):
        return array
    plain = pa.types.is_integer(array.type) and not _MINUS_ZERO.search(block.text)
    return pc.cast(array, pa.string()) if plain or pa.types.is_boolean(array.type) else _numbers(array, name, block)


def _numbers(array: pa.Array, name: str, block: LineBlock) -> pa.StringArray | None:
    if b"\\" in block.text or block.text.count(b"{") != len(block.starts):
        return None
    found = re.findall(rb'"' + re.escape(name.encode()) + rb'"[ \t\r]*:[ \t\r]*([^,} \t\r\n]+)', block.text)
    if len(found) != len(array):
        return None
    nulls = null_mask(array)
    texts = [spelling.decode() for spelling in found]
    return text_array(texts if nulls is None else [None if no else t for no, t in zip(nulls, texts, strict=True)])


def _plain(number: Number) -> bool:
    """A whole number that the parser spells back as it was."""
    return number.lstrip("-").isdigit() and len(number) < _INT64_DIGITS and number != "-0"
