"""The prepare function of a model: installed code, pandas DataFrame → DataFrame. Imports pandas at its first call."""

import importlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from scoring.core.binding import Hook
from scoring.core.columns import ColumnSpec, Dtype
from scoring.core.errors import BadOutput, ModelRefused, ModelRefusedRows, OutOfMemory, PrepareNotHere, ScoringError
from scoring.model.foreign import is_users, printing_to_stderr, told
from scoring.model.hints import listed

FRAME_ROWS = 4_096
"""Rows of each frame but the last of a chunk: always the same ones, so that an attempt gives what the last one gave."""

_SETTING = "SCORING_PREPARE_MODULES"


def require_allowed(hook: Hook, allowed: Sequence[str]) -> None:
    """Raise PrepareNotHere unless the module of the function stands, by its exact name, among `allowed`."""
    module = hook.function.partition(":")[0]
    if module not in allowed:
        raise PrepareNotHere(
            f"the prepare function {hook.function} is not allowed here",
            expected=f"one of the modules in {_SETTING}: {listed(allowed) or 'none'}",
            got=module,
            remedy=f"whoever runs the workers may add {module} to {_SETTING}",
        )


class PrepareFunction:
    """A prepare function, loaded."""

    def __init__(self, hook: Hook, function: Callable[[Any], Any]) -> None:
        self._hook = hook
        self._function = function

    @classmethod
    def load(cls, hook: Hook, allowed: Sequence[str]) -> "PrepareFunction":
        """Import the function.

        PrepareNotHere where its module is not allowed, or it or what it imports is not installed; ModelRefused where
        it fails, or has no such function: so it would on every host.
        """
        require_allowed(hook, allowed)
        module, _, name = hook.function.partition(":")
        try:
            with printing_to_stderr():
                function = getattr(importlib.import_module(module), name)
        except BaseException as error:  # an import runs the module: whatever it raises is told, no traceback is shown
            if is_users(error):
                raise
            kind = PrepareNotHere if isinstance(error, ImportError) else ModelRefused
            raise _refused(hook, told(error), kind) from error
        if not callable(function):
            raise _refused(hook, f"{name} is a {type(function).__name__}")
        return cls(hook, function)

    def __call__(self, batch: pa.RecordBatch, *, raw: bool = True) -> pa.RecordBatch:
        """Rows of a chunk → the features that the function makes of them, as slots, in the types that it gave.

        raw: errors of the function may be told in its own words, which may show values of a row.
        Raises BadOutput where it gives no frame of these rows with these columns, ModelRefusedRows where it fails,
        whatever it raises; OutOfMemory.
        """
        arguments = [_plain(batch.column(slot)) for slot, _ in self._hook.arguments]
        frame = _frame(pa.Table.from_arrays(arguments, names=[name for _, name in self._hook.arguments]))
        try:
            with printing_to_stderr():
                columns = self._features(frame, batch.num_rows, raw)
        except BadOutput:
            raise
        except BaseException as error:
            if is_users(error):
                raise
            raise _failed(self._hook, error, raw) from error
        return pa.RecordBatch.from_arrays(columns, names=[spec.slot for spec in self._hook.columns])

    def _features(self, frame: Any, rows: int, raw: bool) -> list[pa.Array]:
        answer = self._function(frame)
        _check(self._hook, answer, rows, raw)
        return [_column(answer[spec.name], spec, self._hook, raw) for spec in self._hook.columns]

    def nothing(self) -> pa.RecordBatch:
        """Its columns without a row."""
        columns = [pa.nulls(0, _empty_type(spec)) for spec in self._hook.columns]
        return pa.RecordBatch.from_arrays(columns, names=[spec.slot for spec in self._hook.columns])


def _frame(arguments: pa.Table) -> Any:
    """Types depend on the column alone, never on what its rows hold: whole numbers and bools become pandas' own types
    with <NA>, floats numpy's with NaN for null, texts pandas' text type."""
    import pandas as pd

    nullable = {
        pa.type_for_alias(name): getattr(pd, f"{'UInt' if name[0] == 'u' else 'Int'}{name.lstrip('uint')}Dtype")()
        for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
    }
    types = {**nullable, pa.bool_(): pd.BooleanDtype()}
    # A copy: before pandas 3 a lone column would be a view of the batch that cannot be written to.
    return arguments.to_pandas(types_mapper=types.get, ignore_metadata=True).copy()


def _check(hook: Hook, answer: Any, rows: int, raw: bool) -> None:
    import pandas as pd

    wanted = f"a DataFrame of {rows} rows with the columns {listed([spec.name for spec in hook.columns])}"
    if not isinstance(answer, pd.DataFrame):
        raise _bad(hook, wanted, f"a {type(answer).__name__}")
    names = [str(name) for name in answer.columns]
    missing = [spec.name for spec in hook.columns if spec.name not in answer.columns]
    counts = Counter(names)
    twice = sorted({spec.name for spec in hook.columns if counts[spec.name] > 1})
    if len(answer) != rows:
        raise _bad(hook, wanted, f"{len(answer)} rows and the columns {listed(names)}")
    if missing or twice:
        fault = f"without {listed(missing)}" if missing else f"with {listed(twice)} twice"
        raise _bad(hook, wanted, f"{len(answer)} rows and the columns {listed(names)}, {fault}")
    _check_order(hook, answer.index, rows, raw)


def _check_order(hook: Hook, index: Any, rows: int, raw: bool) -> None:
    """The frame was numbered from 0: only as long as its index stands does each row get its own score."""
    import pandas as pd

    if not index.equals(pd.RangeIndex(rows)):
        first = f", which begins {', '.join(map(repr, index[:5].tolist()))}"[:200] if raw else ""
        raise _bad(hook, "the rows in the order and with the index of the frame it got", f"another index{first}")


def _column(series: Any, spec: ColumnSpec, hook: Hook, raw: bool) -> pa.Array:
    """A column of the answer, in a type that can become the tensor's."""
    wanted = f"{'lists of ' if spec.list_size else ''}{'text' if spec.dtype is Dtype.STRING else 'numbers'}"
    try:
        array = pa.Array.from_pandas(series)
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        said = str(error)[:200] if raw else f"values of several types ({series.dtype})"
        raise _bad(hook, f"{wanted} in column {spec.name!r}", said) from error
    array = _plain(array)
    if pa.types.is_null(array.type):
        return pa.nulls(len(array), _empty_type(spec))
    if not _fits(array.type, spec):
        raise _bad(hook, f"{wanted} in column {spec.name!r}", str(array.type))
    return array


def _plain(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One array without a dictionary: whether a text has one depends on how its chunk was kept."""
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def _fits(found: pa.DataType, spec: ColumnSpec) -> bool:
    if spec.list_size is not None:
        lists = pa.types.is_list(found) or pa.types.is_large_list(found) or pa.types.is_fixed_size_list(found)
        return lists and _fits_element(found.value_type, spec.dtype)
    return _fits_element(found, spec.dtype)


def _fits_element(found: pa.DataType, wanted: Dtype | None) -> bool:
    if wanted is Dtype.STRING:
        return bool(pa.types.is_string(found) or pa.types.is_large_string(found) or pa.types.is_integer(found))
    kinds = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal)
    return any(kind(found) for kind in kinds)


def _empty_type(spec: ColumnSpec) -> pa.DataType:
    element = pa.string() if spec.dtype is Dtype.STRING else pa.type_for_alias((spec.dtype or Dtype.FLOAT64).value)
    return element if spec.list_size is None else pa.list_(element, spec.list_size)


def _refused(hook: Hook, got: str, kind: type[ModelRefused] = ModelRefused) -> ModelRefused:
    return kind(
        f"the prepare function {hook.function} cannot be loaded",
        expected="a function of a module that is installed where the model runs",
        got=got,
        remedy="install the module beside scoring, or correct `prepare` in model.yaml",
    )


def _failed(hook: Hook, error: BaseException, raw: bool) -> ScoringError:
    got = told(error, words=raw)
    if isinstance(error, MemoryError):
        what = f"the prepare function {hook.function} ran out of memory"
        return OutOfMemory(what, got=got, remedy="use fewer workers or smaller chunks")
    return ModelRefusedRows(
        f"the prepare function {hook.function} failed",
        expected="a DataFrame",
        got=got,
        remedy="correct the function, or the rows that it cannot take",
    )


def _bad(hook: Hook, expected: str, got: str) -> BadOutput:
    return BadOutput(
        f"the prepare function {hook.function} does not fit the model",
        expected=expected,
        got=got,
        remedy="give one row for each row, in their order, and the columns of `features` and `inputs` in model.yaml",
    )
