"""One line of JSON to its members, with every number as it is spelled."""

import json
from typing import TypeAlias

from scoring.core.columns import RejectCode
from scoring.data.jsonl_blocks import MAX_DEPTH, depth


class Number(str):
    """A number as the file spells it."""

    __slots__ = ()


class Members(tuple[tuple[str, "Value"], ...]):
    """An object, its members in order; a name may stand twice."""

    __slots__ = ()


Value: TypeAlias = "Number | str | bool | list[Value] | Members | None"


class BadLine(Exception):
    """Why a line is no row."""

    def __init__(self, code: RejectCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class _NoNumber(ValueError):
    """NaN, Infinity or -Infinity: parsers take them, JSON does not."""


def parse_line(line: bytes) -> Members:
    """line: without blanks around it. Raises BadLine for text that is no UTF-8, no JSON, or no object."""
    text = _text(line)
    if line.count(b"[") + line.count(b"{") > MAX_DEPTH and depth(line) > MAX_DEPTH:
        raise BadLine(RejectCode.BAD_VALUE, f"lists and objects stand more than {MAX_DEPTH} deep in one another")
    try:
        value, end = _DECODER.raw_decode(text)
    except json.JSONDecodeError as error:
        raise BadLine(RejectCode.BAD_VALUE, f"no JSON: {error.msg} at character {error.pos + 1}") from None
    except _NoNumber as error:
        raise BadLine(RejectCode.BAD_VALUE, f"no JSON: {error} is no number") from None
    if end < len(text):
        raise BadLine(RejectCode.BAD_VALUE, f"no JSON: Extra data at character {end + 1}")
    if not isinstance(value, Members):
        raise BadLine(RejectCode.BAD_VALUE, f"{kind_of(value)}, but each line must be an object")
    return value


def kind_of(value: Value) -> str:
    """What a value is, in words."""
    names = {
        Number: "a number",
        str: "a text",
        bool: "true or false",
        list: "a list",
        Members: "an object",
        type(None): "null",
    }
    return names[type(value)]


def spelled(value: Value) -> str | None:
    """A value as text: texts as they stand, numbers as they are spelled, lists and objects as compact JSON."""
    if isinstance(value, str) or value is None:
        return value
    return _json(value)


def _json(value: Value) -> str:
    if isinstance(value, list):
        return "[" + ",".join(map(_json, value)) + "]"
    if isinstance(value, Members):
        return "{" + ",".join(f"{_json(name)}:{_json(member)}" for name, member in value) + "}"
    return value if isinstance(value, Number) else json.dumps(value, ensure_ascii=False)


def _text(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        said = f"byte 0x{line[error.start]:02x} is no UTF-8; --encoding says how the file was written"
        raise BadLine(RejectCode.BAD_ENCODING, said) from None


def _refuse(name: str) -> Value:
    raise _NoNumber(name)


_DECODER = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=_refuse, object_pairs_hook=Members)
