"""Bytes that are no text in the encoding that was declared. All text here has been brought to UTF-8 before:
what its encoding does not know stands in it as it came, and is no UTF-8.
"""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scoring.core.columns import RejectCode
from scoring.data.arrays import Mask, bool_array, text_array, values_of
from scoring.data.faults import Faults
from scoring.data.text_stream import is_utf8_encoding

# What Python and Arrow take for UTF-8: no overlong forms, no surrogates, nothing beyond U+10FFFF. A pattern over bytes.
_UTF8 = (
    r"\A(?:[\x00-\x7f]|[\xc2-\xdf][\x80-\xbf]"
    r"|\xe0[\xa0-\xbf][\x80-\xbf]|\xed[\x80-\x9f][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}"
    r"|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})*\z"
)
_MASK = bytes(range(128)) + b"x" * 128


def is_utf8(text: bytes) -> bool:
    # ASCII first: that look costs next to nothing, the other one up to a twentieth of the parsing.
    return text.isascii() or _as_text(_one_cell(text)) is not None


def masked(text: bytes) -> bytes:
    """The text with an `x` for each byte beyond ASCII: other cells, but the same rows."""
    return text.translate(_MASK)


def decoded(cells: pa.BinaryArray, column: str, encoding: str, faults: Faults) -> pa.StringArray:
    """The cells as text; one that is none rejects its row, and is empty in the answer."""
    text = _as_text(cells)
    if text is not None:
        return text
    bad: Mask = ~values_of(pc.match_substring_regex(cells, _UTF8)).view(np.bool_)
    faults.add(bad, column, RejectCode.BAD_ENCODING, _reason(cells, encoding, raw=faults.raw))
    empty = text_array([""]).view(pa.binary())[0]
    return pc.cast(pc.if_else(bool_array(bad), empty, cells), pa.string())


def shown_encoding(encoding: str) -> str:
    """The encoding in a message: what it is read as."""
    return "UTF-8" if is_utf8_encoding(encoding) else encoding


def _reason(cells: pa.BinaryArray, encoding: str, *, raw: bool) -> Callable[[int], str]:
    said = f"is no {shown_encoding(encoding)}; --encoding says how the file was written"
    return lambda row: f"byte 0x{_bad_byte(cells[row].as_py()):02x} {said}" if raw else f"a byte {said}"


def _bad_byte(cell: bytes) -> int:
    try:
        cell.decode()
    except UnicodeDecodeError as error:
        return cell[error.start]
    raise AssertionError("the cell is UTF-8")


def _as_text(cells: pa.BinaryArray) -> pa.StringArray | None:
    try:
        return pc.cast(cells, pa.string())
    except pa.ArrowInvalid:
        return None


def _one_cell(text: bytes) -> pa.BinaryArray:
    offsets = np.array([0, len(text)], np.int32)
    return pa.Array.from_buffers(pa.binary(), 1, [None, pa.py_buffer(offsets), pa.py_buffer(text)])
