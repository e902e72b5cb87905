"""Random tables: clean and dirty cells, in random order of columns, with columns that nobody asked for."""

import csv
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from tests.properties import verdicts
from tests.properties.linear import DTYPES
from tests.properties.verdicts import Verdict


@dataclass(frozen=True)
class Row:
    """What the oracle says of one row."""

    # Column → verdict; NULL before any rule for nulls.
    cells: Mapping[str, Verdict] = field(default_factory=dict)
    # Codes of the row as a whole, any of which rejects it.
    codes: frozenset[str] = frozenset()
    # Physical line, from 1; None where the format has none.
    line: int | None = None


@dataclass(frozen=True)
class Table:
    """A file, and the verdict on each of its rows."""

    suffix: str
    write: Callable[[Path], object] = field(repr=False)
    rows: Sequence[Row]
    # What the file holds, for a message.
    shown: str


NUMBERS = ["0", "-0", "7", "-12", "3.25", "0.1", "-2.5e-3", "1E5", "1.5", "0.1000000014901161193847656250000000001"]
EDGES = [
    "256", "-1", "16777217", "9007199254740992", "9007199254740993", "-9007199254740993", "9223372036854775807",
    "9223372036854775808", "-9223372036854775809", "1e39", "1e400", "-1e400", "1e-400",
    "340282346638528859811704183484516925440",
]  # fmt: skip
ODD = [
    "", " ", "\t", "nan", "NaN", "inf", "-inf", "abc", "1,234", "0x10", "1_000", "true", "false", "--1", "1 2", " 7 ",
    "7\n", "+7", "7.", ".5", "1e", "e5", "-", "TRUE", "٣", "½", "1\u00a0", "'1'", "Infinity", "nan(1)", "None", "null",
]  # fmt: skip
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=8)

_ID = st.integers(0, 999).map(str)

# Columns with dirty cells; few, so that a block is mostly as clean as it looks and is read the fast way.
DIRTY = st.sets(st.sampled_from(sorted(DTYPES)), max_size=2)

CSV_CELLS = {
    "number": st.sampled_from(EDGES)
    | st.sampled_from([*NUMBERS, "00012"])
    | st.sampled_from(ODD)
    | st.floats(allow_nan=False, allow_infinity=False).map(repr)
    | st.integers(-(2**70), 2**70).map(str)
    | st.text("0123456789.eE+- ", max_size=6),
    "bool": st.sampled_from(["true", "false", "0", "1"] * 3 + ODD),
    "string": TEXT | st.sampled_from(["", " ", '"', ",", "a\nb", "NaN", "é", "=1"]),
}
CLEAN_CELLS = {
    "float32": st.floats(width=32, allow_nan=False, allow_infinity=False).map(repr) | st.just("nan"),
    "float64": st.floats(allow_nan=False, allow_infinity=False).map(repr),
    "int64": st.integers(-(2**63), 2**63 - 1).map(str),
    "uint8": st.integers(0, 255).map(str),
    "bool": st.sampled_from(["true", "false"]),
    "string": TEXT,
}


@st.composite
def csv_tables(draw: st.DrawFn) -> Table:
    columns = draw(_columns())
    lines = draw(st.integers(0, 12))
    dirty = draw(DIRTY)
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    rows: list[Row] = []
    text = _record(columns, quoting, end)
    for _ in range(lines):
        cells = {name: draw(_csv_cell(name, dirty=name in dirty)) for name in columns}
        written = list(cells.values())
        codes: frozenset[str] = frozenset()
        match draw(st.sampled_from(["whole"] * 8 + ["short", "long", "blank"])):
            case "short":
                written, codes = written[:-1], frozenset({"short_row"})
            case "long":
                written, codes = [*written, ""], frozenset({"long_row"})
            case "blank":
                text += end
        rows.append(Row(cells=_judged(cells, verdicts.judge_csv), codes=codes, line=text.count("\n") + 1))
        text += _record(written, quoting, end)
    return Table(".csv", lambda path: path.write_bytes(text.encode()), rows, text)


@st.composite
def json_tables(draw: st.DrawFn) -> Table:
    columns = draw(_columns())
    dirty = draw(DIRTY)
    # The first line names every member: a column that no line has would be refused, and rightly.
    text = _members(dict.fromkeys(columns, "null"))
    rows = [Row(cells=_judged(dict.fromkeys(DTYPES, "null"), verdicts.judge_json), line=1)]
    for _ in range(draw(st.integers(0, 12))):
        members = {name: draw(_json_cell(name, dirty=name in dirty)) for name in columns}
        kind = draw(st.sampled_from(["object"] * 10 + ["blank", "twice", "list", "broken"]))
        text += "\n" if kind == "blank" else ""
        line = text.count("\n") + 1
        spoilt = {"twice": '{"a": 1, ' + _members(members)[1:], "list": "[1, 2]\n", "broken": '{"a": 1, \n'}
        # A member that is left out before `a` comes twice would be no fault of ours.
        if kind == "twice" and members.get("a") is None:
            spoilt["twice"] = '{"a": 1, "a": 2}\n'
        text += spoilt.get(kind, _members(members))
        codes = frozenset({"bad_value"}) if kind in spoilt or "NaN" in members.values() else frozenset()
        rows.append(Row(cells=_judged(members, verdicts.judge_json), codes=codes, line=line))
    return Table(".jsonl", lambda path: path.write_bytes(text.encode("utf-8", "surrogatepass")), rows, text)


@st.composite
def parquet_tables(draw: st.DrawFn) -> Table:
    columns = draw(_columns())
    count = draw(st.integers(0, 12))
    types = {name: draw(st.sampled_from(_PARQUET[DTYPES.get(name, "string")])) for name in columns}
    values = {name: draw(st.lists(_native(types[name]), min_size=count, max_size=count)) for name in columns}
    table = pa.table({name: pa.array(values[name], types[name]) for name in columns})
    group = draw(st.integers(1, 12))
    rows = [
        Row(cells={name: verdicts.judge_native(_stored(table, name, i), dtype) for name, dtype in DTYPES.items()})
        for i in range(count)
    ]
    return Table(".parquet", lambda path: pq.write_table(table, path, row_group_size=group), rows, str(values))


_PARQUET = {
    "float32": [pa.float32(), pa.float64(), pa.int64(), pa.int8(), pa.bool_()],
    "float64": [pa.float64(), pa.float32(), pa.int64(), pa.uint64()],
    "int64": [pa.int64(), pa.uint64(), pa.int16(), pa.float64()],
    "uint8": [pa.uint8(), pa.int64(), pa.int8(), pa.float32()],
    "bool": [pa.bool_(), pa.int64()],
    "string": [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())],
}


def _native(kind: pa.DataType) -> st.SearchStrategy[Any]:
    if pa.types.is_floating(kind):
        odd = st.sampled_from([math.inf, -math.inf, math.nan, 3e38, 0.5, None])
        return odd | st.floats(width=kind.bit_width) | st.integers(-5, 5).map(float)
    if pa.types.is_boolean(kind):
        return st.none() | st.booleans()
    if pa.types.is_integer(kind):
        limits = np.iinfo(kind.to_pandas_dtype())
        return st.none() | st.integers(int(limits.min), int(limits.max)) | st.integers(0, 1)
    return st.none() | TEXT


def _stored(table: pa.Table, name: str, row: int) -> Any:
    value = table[name][row].as_py()
    return float(value) if isinstance(value, float) and not math.isnan(value) else value


def _columns() -> st.SearchStrategy[list[str]]:
    """The model's columns, a key, and up to two that nothing uses, in any order."""
    extra = st.lists(st.sampled_from(["note", "A", "y_", "ä b"]), max_size=2, unique=True)
    return extra.flatmap(lambda more: st.permutations([*DTYPES, "id", *more]))


def _csv_cell(name: str, *, dirty: bool) -> st.SearchStrategy[str]:
    dtype = DTYPES.get(name)
    if dtype is None:
        return _ID if name == "id" else TEXT
    clean = CLEAN_CELLS[dtype]
    return clean | CSV_CELLS.get(dtype, CSV_CELLS["number"]) if dirty else clean


_JSON_ODD = st.sampled_from(
    ["null", '"7"', '"nan"', "true", "false", "NaN", "[]", "[1]", "{}", '"\\ud800"', '""', "1e400", "1.0", "1.5", "-0"]
)
_JSON_TEXT = TEXT.map(lambda text: json.dumps(text))
_JSON_NUMBER = (
    st.sampled_from(NUMBERS)
    | st.sampled_from(EDGES)
    | st.floats(allow_nan=False, allow_infinity=False).map(repr)
    | st.integers(-(2**70), 2**70).map(str)
)
_JSON_CLEAN = {**CLEAN_CELLS, "float32": st.floats(width=32, allow_nan=False, allow_infinity=False).map(repr)}


def _json_cell(name: str, *, dirty: bool) -> st.SearchStrategy[str | None]:
    dtype = DTYPES.get(name)
    if dtype is None:
        return _ID if name == "id" else _JSON_TEXT | _JSON_ODD
    clean = _JSON_TEXT if dtype == "string" else _JSON_CLEAN[dtype]
    return clean | _JSON_NUMBER | _JSON_TEXT | _JSON_ODD | st.none() if dirty else clean


def _members(members: Mapping[str, str | None]) -> str:
    pairs = [f"{json.dumps(name)}: {value}" for name, value in members.items() if value is not None]
    return "{" + ", ".join(pairs) + "}\n"


def _record(cells: Sequence[str], quoting: int, end: str) -> str:
    out = io.StringIO()
    csv.writer(out, quoting=quoting, lineterminator=end).writerow(cells)  # type: ignore[arg-type]
    return out.getvalue()


def _judged(cells: Mapping[str, Any], judge: Callable[[Any, str], Verdict]) -> dict[str, Verdict]:
    return {name: judge(cells.get(name), dtype) for name, dtype in DTYPES.items()}
