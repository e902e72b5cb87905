"""Where records end in CSV text: the one place that knows quotes, escapes and line ends.

Rules, the same as those of the parser behind it: a quote is special only at the start of a field; inside quotes a
doubled quote is one quote; an escape makes the next character literal; LF, CRLF and a lone CR end a line.
Everything is computed on whole arrays of positions; only a quote that stands inside plain text costs a step in Python.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from scoring.core.options import CsvDialect
from scoring.data.arrays import Ints, Mask
from scoring.data.text_ends import Scan

Bytes: TypeAlias = npt.NDArray[np.uint8]

_LF, _CR = 10, 13


def scan(text: bytes, dialect: CsvDialect) -> Scan:
    """Line ends, record ends and quotes of `text`."""
    data = np.frombuffer(text, np.uint8)
    literal = _escaped(data, dialect.escape)
    ends = line_ends(text)
    quotes = np.empty(0, np.int64)
    if dialect.quote.encode() in text:
        quotes = _quotes(data, ends, literal, dialect)
    inside = (np.searchsorted(quotes, ends) & 1).astype(np.bool_)
    if len(literal):
        inside |= np.isin(ends - 1, literal)
    return Scan(
        line_ends=ends,
        record_ends=ends[~inside],
        quotes=quotes,
        swallowing=_swallowing(data, quotes, ends, dialect) if len(quotes) else None,
    )


def line_ends(text: bytes) -> Ints:
    """One past each LF, CRLF or lone CR."""
    data = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(data == _LF) + 1
    if b"\r" not in text:
        return ends
    returns = np.flatnonzero(data == _CR)
    lone = returns[(_at(data, returns + 1) != _LF) | (returns + 1 == len(data))] + 1
    return np.sort(np.concatenate([ends, lone])) if len(lone) else ends


def comment_starts(text: bytes, starts: Ints, comment: str | None) -> Mask:
    """True for those starts of records where a comment stands."""
    if comment is None or not len(text):
        return np.zeros(len(starts), np.bool_)
    mark = comment.encode()
    data = np.frombuffer(text, np.uint8)
    found: Mask = data[np.minimum(starts, len(data) - 1)] == mark[0]
    if len(mark) > 1:
        for row in np.flatnonzero(found):
            found[row] = text.startswith(mark, int(starts[row]))
    return found


def has_special(text: bytes, dialect: CsvDialect) -> bool:
    """Whether quotes or escapes may stand in the text."""
    return dialect.quote.encode() in text or (dialect.escape is not None and dialect.escape.encode() in text)


def _quotes(data: Bytes, ends: Ints, literal: Ints, dialect: CsvDialect) -> Ints:
    positions = np.flatnonzero(data == ord(dialect.quote))
    if len(literal):
        positions = positions[~np.isin(positions, literal)]
    if dialect.comment is None:
        return _structural(data, positions, literal, dialect.delimiter)
    # A quote in a comment line means nothing, unless that line lies inside a quoted cell.
    starts = np.concatenate([np.zeros(1, np.int64), ends[ends < len(data)]])
    comments = starts[comment_starts(data.tobytes(), starts, dialect.comment)]
    line = np.searchsorted(starts, positions, "right") - 1
    in_comment = np.isin(starts[line], comments)
    found = _structural(data, positions[~in_comment], literal, dialect.delimiter)
    inside = comments[(np.searchsorted(found, comments) & 1).astype(np.bool_)]
    return _structural(data, positions[~in_comment | np.isin(starts[line], inside)], literal, dialect.delimiter)


def _structural(data: Bytes, positions: Ints, literal: Ints, delimiter: str) -> Ints:
    """Those quotes that open or close a field.

    If all are structural they alternate, and each opening one stands at a field start or right behind a closing one
    (a doubled quote). One that does neither is plain text: it is taken out, and the turn of all behind it changes.
    """
    if not len(literal) and _all_structural(data, positions, delimiter):
        return positions
    before = data[np.maximum(positions - 1, 0)]
    opens = (before == ord(delimiter)) | (before == _LF) | (before == _CR) | (positions == 0)
    if len(literal):
        opens &= ~np.isin(positions - 1, literal)
    doubled = np.zeros(len(positions), np.bool_)
    doubled[1:] = np.diff(positions) == 1
    cannot_open = np.flatnonzero(~(opens | doubled))
    turns = (cannot_open[cannot_open % 2 == 0], cannot_open[cannot_open % 2 == 1])
    if not len(turns[0]):
        return positions
    keep = np.ones(len(positions), np.bool_)
    index, turn = 0, 0
    while (at := int(np.searchsorted(turns[turn], index))) < len(turns[turn]):
        index = int(turns[turn][at])
        keep[index] = False
        # Quotes that touch a plain one are plain as well.
        while index + 1 < len(positions) and doubled[index + 1] and not opens[index + 1]:
            index += 1
            keep[index] = False
        index += 1
        turn = index % 2
    return positions[keep]


def _all_structural(data: Bytes, positions: Ints, delimiter: str) -> bool:
    """Whether the opening quotes alone, every second one, stand where one may open: so it is in files of programs."""
    openers = positions[2::2]
    starts_field = np.zeros(256, np.bool_)
    starts_field[[ord(delimiter), _LF, _CR]] = True
    first = not len(positions) or positions[0] == 0 or bool(starts_field[data[positions[0] - 1]])
    return first and bool((starts_field[data[openers - 1]] | (openers - positions[1:-1:2] == 1)).all())


def _swallowing(data: Bytes, quotes: Ints, ends: Ints, dialect: CsvDialect) -> int | None:
    closing = quotes[1::2]
    following = _at(data, closing + 1)
    fine = (following == ord(dialect.delimiter)) | (following == _LF)
    fine |= (following == _CR) | (following == ord(dialect.quote))
    for turn in np.flatnonzero(~fine):
        first = int(turn)
        while first and quotes[2 * first] == quotes[2 * first - 1] + 1:
            first -= 1
        start, stop = int(quotes[2 * first]), int(closing[turn])
        if np.searchsorted(ends, stop, "right") > np.searchsorted(ends, start, "right"):
            return start
    return None


def _escaped(data: Bytes, escape: str | None) -> Ints:
    """Positions of the characters that an escape makes literal."""
    if escape is None:
        return np.empty(0, np.int64)
    marks = np.flatnonzero(data == ord(escape))
    if not len(marks):
        return marks
    first = np.ones(len(marks), np.bool_)
    first[1:] = np.diff(marks) > 1
    run = np.cumsum(first) - 1
    place = np.arange(len(marks)) - np.flatnonzero(first)[run]
    literal: Ints = marks[place % 2 == 0] + 1
    return literal


def _at(data: Bytes, positions: Ints) -> Bytes:
    """The bytes at `positions`; behind the end of the text a line end."""
    found = data[np.minimum(positions, len(data) - 1)]
    found[positions >= len(data)] = _LF
    return found
