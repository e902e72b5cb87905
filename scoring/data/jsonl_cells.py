"""Members of JSON lines to cells of a column: the kinds of values that it takes, and the text of each."""

import re
from collections.abc import Sequence
from enum import Enum
from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scoring.core.columns import ColumnSpec, Dtype, RejectCode
from scoring.core.conversions import Categories, Moment
from scoring.core.options import CsvDialect
from scoring.data.arrays import Mask
from scoring.data.cast import BLANKS, named_nulls
from scoring.data.faults import Faults
from scoring.data.jsonl_lines import Members, Number, Value, kind_of, spelled

_NULL = type(None)
_WHOLE = re.compile(r"-?[0-9]+\Z")


class Takes(Enum):
    """What a column takes beside null. Text never feeds a number, nor a fraction text."""

    ANYTHING = "any value"  # carried to the result
    SCALAR = "a text, a number, true or false"  # looked up in categories
    TEXT = "a text or a whole number"
    NUMBER = "a number"
    BOOL = "true, false, 0 or 1"

    @property
    def text(self) -> bool:
        """True where the cells stay text."""
        return self in (Takes.ANYTHING, Takes.SCALAR, Takes.TEXT)

    @property
    def kinds(self) -> frozenset[type]:
        return _KINDS[self]


_KINDS: dict[Takes, frozenset[type]] = {
    Takes.ANYTHING: frozenset({_NULL, str, Number, bool, list, Members}),
    Takes.SCALAR: frozenset({_NULL, str, Number, bool}),
    Takes.TEXT: frozenset({_NULL, str, Number}),
    Takes.NUMBER: frozenset({_NULL, Number}),
    Takes.BOOL: frozenset({_NULL, bool, Number}),
}


def takes(spec: ColumnSpec) -> Takes:
    """Of the column's cells, or of the elements of its lists."""
    if isinstance(spec.conversion, Categories):
        return Takes.SCALAR
    if spec.dtype is None:
        return Takes.ANYTHING
    if spec.dtype is Dtype.STRING or isinstance(spec.conversion, Moment):
        return Takes.TEXT
    return Takes.BOOL if spec.dtype is Dtype.BOOL else Takes.NUMBER


def cell_texts(values: Sequence[Value], spec: ColumnSpec, faults: Faults, rows: Sequence[int]) -> Sequence[str | None]:
    """The text of each value, None for null; a value that the column does not take rejects its row.

    rows: of the batch, one per value.
    """
    wanted = takes(spec)
    bad = _unfit(values, wanted)
    if bad.any():
        # From the end: of a list, the first element at fault is the one that is named.
        rejected = {rows[at]: values[at] for at in np.flatnonzero(bad)[::-1].tolist()}
        mask = np.zeros(len(faults.dropped), np.bool_)
        mask[list(rejected)] = True
        faults.add(mask, spec.name, RejectCode.BAD_VALUE, lambda row: _reason(rejected[row], wanted, faults))
    texts = _texts(values)
    return [None if wrong else text for wrong, text in zip(bad.tolist(), texts, strict=True)] if bad.any() else texts


def number_texts(texts: Sequence[str | None]) -> pa.StringArray:
    """As the cast of text wants them: null is the empty text. Numbers are ASCII, so that none is encoded by itself."""
    cells = [text or "" for text in texts]
    offsets = np.zeros(len(cells) + 1, np.int32)
    np.cumsum(np.fromiter(map(len, cells), np.int32, len(cells)), out=offsets[1:])
    data = "".join(cells).encode("ascii")
    return pa.Array.from_buffers(pa.string(), len(cells), [None, pa.py_buffer(offsets), pa.py_buffer(data)])


def as_named(cells: pa.StringArray, dialect: CsvDialect) -> pa.StringArray:
    """Text cells trimmed and with the nulls that the options name."""
    return named_nulls(pc.ascii_trim(cells, BLANKS) if dialect.trim else cells, dialect)


def whole(text: str) -> bool:
    """A number spelled without fraction and exponent."""
    return _WHOLE.match(text) is not None


def _texts(values: Sequence[Value]) -> Sequence[str | None]:
    plain = set(map(type, values)) <= {str, Number, _NULL}
    return cast("Sequence[str | None]", values) if plain else [spelled(value) for value in values]


def _unfit(values: Sequence[Value], wanted: Takes) -> Mask:
    kinds = set(map(type, values))
    bad = np.zeros(len(values), np.bool_)
    if not kinds <= wanted.kinds:
        bad |= np.fromiter((type(value) not in wanted.kinds for value in values), np.bool_, len(values))
    if wanted is Takes.TEXT and Number in kinds:
        bad |= np.fromiter((isinstance(v, Number) and not whole(v) for v in values), np.bool_, len(values))
    if kinds & {str, list, Members} and wanted.text and not _encodes(values):
        bad |= np.fromiter((not _encodes([value]) for value in values), np.bool_, len(values))
    return bad


def _encodes(values: Sequence[Value]) -> bool:
    """False where a text holds half of a surrogate pair: no file and no database takes it."""
    try:
        "".join(filter(None, _texts(values))).encode()
    except UnicodeEncodeError:
        return False
    return True


def _reason(value: Value, wanted: Takes, faults: Faults) -> str:
    if not _encodes([value]):
        return f"{faults.shown(spelled(value))} holds half of a character (a lone surrogate)"
    shown = "" if value is None or isinstance(value, bool | list | Members) else f"{faults.shown(str(value))} is "
    return f"{shown}{kind_of(value)}, but the column takes {wanted.value}"
