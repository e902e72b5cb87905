"""Answers to expect: which columns of a reference file hold them, and their values in types that can be compared."""

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from difflib import get_close_matches
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from scoring.core.binding import Layout, OutputBinding
from scoring.core.columns import Dtype
from scoring.core.errors import InputRefused
from scoring.model.arrays import text_array
from scoring.model.hints import listed
from scoring.model.spec_values import near

PREFIX = "expected_"
"""Before the name of a result column, where a feature bears that name too."""

_NEAR = 0.8
"""Likeness of names, of which one is a slip of the other: 'Label' and 'label', not 'label_date' and 'label'."""

_BLANK = ("", "nan", "NaN")


def find_expected(
    outputs: Sequence[OutputBinding], columns: Sequence[str], features: frozenset[str]
) -> dict[str, tuple[OutputBinding, str]]:
    """Result column → its output, and the column of the file with the answers to expect.

    features: names that the model takes for itself. InputRefused where the file expects nothing.
    """
    results = {name: output for output in outputs for name in output.columns}
    found: dict[str, tuple[OutputBinding, str]] = {}
    for name, output in results.items():
        column = PREFIX + name if PREFIX + name in columns else name
        if column in columns and column not in features:
            found[name] = (output, column)
    if not found:
        raise InputRefused(
            "the reference rows say of no output what to expect",
            expected=f"at least one of the columns {listed(list(results))}",
            got=f"columns {listed(columns)}",
            remedy=f"write the training model's own answers under these names, or with {PREFIX!r} before them",
        )
    return found


def refuse_strays(outputs: Sequence[OutputBinding], found: Collection[str], idle: Sequence[str]) -> None:
    """InputRefused where columns of no use seem to hold answers: under a name that no result column has.

    found: result columns that the file has answers to.
    """
    results = [name for output in outputs for name in output.columns]
    missed = [name for name in results if name not in found]
    strays = [name for name in idle if _seems_an_answer(name, outputs, missed)]
    if not strays:
        return
    hints = (near(name.removeprefix(PREFIX), missed or results) for name in strays)
    raise InputRefused(
        f"no result column of the model has the name that answers of the reference rows bear: {listed(strays)}",
        expected=f"answers under the names {listed(results)}, or with {PREFIX!r} before them",
        got=f"columns {listed(strays)}, which feed nothing",
        remedy=f"{next(filter(None, hints), 'correct the names;')} take out of the file what holds no answers",
    )


def _seems_an_answer(name: str, outputs: Sequence[OutputBinding], missed: Sequence[str]) -> bool:
    """Of a column of no use: it begins as answers do, is called as an output is, or nearly as one still missed."""
    if name.startswith(PREFIX) or get_close_matches(name, missed, n=1, cutoff=_NEAR):
        return True
    return any(
        name == output.output or (output.layout is not Layout.SCALAR and name.startswith(f"{output.output}_"))
        for output in outputs
        if name not in output.columns
    )


def typed(column: pa.Array, output: OutputBinding, name: str) -> pa.Array:
    """The answers as float64, an integer, bool or string; lists of `output.width` where the output is one column.

    column: as read from the file; CSV and JSON give text. Nulls stay null. InputRefused naming the first bad row.
    """
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if output.layout is Layout.LIST:
        return _lists(column, output, name)
    return _cast(column, output.dtype, name)


def _lists(column: pa.Array, output: OutputBinding, name: str) -> pa.Array:
    flat = _flat(column, name)
    if len(flat) != len(column) * output.width:
        raise InputRefused(
            f"the answers in column {name!r} do not fit the output {output.output!r}",
            expected=f"{output.width} values in each row",
            got=f"{len(flat):,} values in {len(column):,} rows",
            remedy="write all values of a row, flattened, into its list",
        )
    return pa.FixedSizeListArray.from_arrays(_cast(flat, output.dtype, name), output.width)


def _flat(column: pa.Array, name: str) -> pa.Array:
    if pa.types.is_string(column.type):
        return text_array([str(value) for cell in column.to_pylist() for value in _parsed(cell, name)])
    column = column.storage if isinstance(column, pa.ExtensionArray) else column
    while pa.types.is_nested(column.type):
        column = column.flatten()
    return column


def _parsed(cell: str | None, name: str) -> Iterator[Any]:
    """The leaves of a JSON array."""
    try:
        values = json.loads(cell or "[]", parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        raise _bad(name, None, "a list of values", str(cell)) from None
    yield from _leaves(values)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    else:
        yield "" if value is None else str(value).lower() if isinstance(value, bool) else value


def _cast(column: pa.Array, dtype: Dtype, name: str) -> pa.Array:
    cast, told = _CASTS[_kind(dtype)]
    try:
        return cast(column)
    except (pa.ArrowException, ValueError):
        row = next((row for row in range(len(column)) if _fails(cast, column.slice(row, 1))), None)
        got = str(column.type) if row is None else repr(column[row].as_py())
        raise _bad(name, row, told, got) from None


def _fails(cast: Callable[[pa.Array], pa.Array], cell: pa.Array) -> bool:
    try:
        cast(cell)
    except (pa.ArrowException, ValueError):
        return True
    return False


def _floats(column: pa.Array) -> pa.Array:
    return pc.cast(_without_blanks(column), pa.float64(), safe=False)


def _integers(column: pa.Array) -> pa.Array:
    """Whole numbers, however they are written: 1, 1.0, or true."""
    column = _without_blanks(column)
    wide = pa.uint64() if pa.types.is_uint64(column.type) else pa.int64()
    try:
        return pc.cast(column, wide)
    except pa.ArrowInvalid:
        if pa.types.is_string(column.type):
            try:
                return pc.cast(column, pa.uint64())
            except pa.ArrowInvalid:
                pass
        return pc.cast(pc.cast(column, pa.float64()), pa.int64())


def _flags(column: pa.Array) -> pa.Array:
    # By way of text: it takes 0 and 1, and refuses 2.
    return pc.cast(pc.cast(_without_blanks(column), pa.string()), pa.bool_())


def _texts(column: pa.Array) -> pa.Array:
    return pc.cast(column, pa.string())


def _without_blanks(column: pa.Array) -> pa.Array:
    if not pa.types.is_string(column.type) and not pa.types.is_large_string(column.type):
        return column
    cells = pc.utf8_trim_whitespace(pc.cast(column, pa.string()))
    return pc.if_else(pc.is_in(cells, value_set=text_array(_BLANK)), pa.nulls(len(cells), pa.string()), cells)


def _kind(dtype: Dtype) -> str:
    return "float" if dtype.is_float else "integer" if dtype.is_integer else dtype.value


_CASTS: dict[str, tuple[Callable[[pa.Array], pa.Array], str]] = {
    "float": (_floats, "a number"),
    "integer": (_integers, "a whole number"),
    "bool": (_flags, "true or false"),
    "string": (_texts, "text"),
}


def _bad(name: str, row: int | None, expected: str, got: str) -> InputRefused:
    where = "" if row is None else f" in row {row + 1}"
    return InputRefused(
        f"column {name!r} holds no answer that can be compared{where}",
        expected=expected,
        got=got[:100],
        remedy="write what the training model answers for the row",
    )
