"""The columns that feed the model: their slots, types, and what a null in them does."""

from collections.abc import Mapping

from scoring.core.columns import ColumnSpec, Dtype, NullAction
from scoring.core.errors import InputRefused, UsageError
from scoring.core.options import NullRule
from scoring.core.source import ColumnKind, FileColumn
from scoring.model.hints import listed
from scoring.model.signature import TensorInfo

_MANTISSA = {Dtype.FLOAT16: 11, Dtype.FLOAT32: 24, Dtype.FLOAT64: 53}


class Slots:
    """Collects the feature columns of one binding; a column that feeds two inputs of one type is read once."""

    def __init__(self, nulls: NullRule, fills: Mapping[str, str]) -> None:
        self._nulls = nulls
        self._fills = fills
        self._columns: dict[tuple[str, Dtype], ColumnSpec] = {}
        # What a cast does → the columns that it is done to.
        self._casts: dict[str, list[str]] = {}

    @property
    def columns(self) -> tuple[ColumnSpec, ...]:
        return tuple(self._columns.values())

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(f"{cast}: {listed(names)}" for cast, names in self._casts.items())

    def slot_for(self, column: FileColumn, tensor: TensorInfo) -> str:
        """The slot that holds `column` as the input's type. InputRefused where it cannot be read so."""
        key = (column.name, tensor.dtype)
        if key not in self._columns:
            _check_kind(column, tensor)
            cast = _cast_note(column, tensor.dtype)
            if cast:
                self._casts.setdefault(cast, []).append(column.name)
            self._columns[key] = self._spec(column, tensor.dtype)
        return self._columns[key].slot

    def _spec(self, column: FileColumn, dtype: Dtype) -> ColumnSpec:
        first = not any(name == column.name for name, _ in self._columns)
        nulls, fill = self._null_policy(column.name, dtype)
        return ColumnSpec(
            name=column.name,
            slot=f"x.{column.name}" if first else f"x.{column.name}:{dtype}",
            dtype=dtype,
            list_size=column.list_size if column.kind is ColumnKind.FLOAT_LIST else None,
            nulls=nulls,
            fill=fill,
        )

    def _null_policy(self, name: str, dtype: Dtype) -> tuple[NullAction, str | None]:
        if name in self._fills:
            return NullAction.FILL, _checked_fill(self._fills[name], dtype, name)
        if self._nulls.action is NullAction.FILL:
            return NullAction.FILL, _checked_fill(self._nulls.fill or "", dtype, name)
        if self._nulls.action is NullAction.REJECT or not dtype.is_float:
            return NullAction.REJECT, None
        return NullAction.NAN, None


def _check_kind(column: FileColumn, tensor: TensorInfo) -> None:
    """Text never becomes a number, nor a fraction text: both would be guesses about how it is written."""
    if column.kind is ColumnKind.TEXT:
        return
    if tensor.dtype is Dtype.STRING:
        fits = column.kind in (ColumnKind.STRING, ColumnKind.INTEGER)
    else:
        fits = column.kind.numeric or (column.kind is ColumnKind.FLOAT_LIST and tensor.dtype.is_float)
    if not fits:
        raise InputRefused(
            f"column {column.name!r} cannot feed the input {tensor.name!r}",
            expected="text or integers" if tensor.dtype is Dtype.STRING else f"a column of numbers, for {tensor.dtype}",
            got=column.type,
            remedy="cast the column when the file is written, or map another one in model.yaml",
        )


def _checked_fill(text: str, dtype: Dtype, name: str) -> str:
    try:
        if dtype.is_float:
            float(text)
        elif dtype.is_integer:
            int(text)
        elif dtype is Dtype.BOOL and text.lower() not in ("true", "false", "0", "1"):
            raise ValueError
    except ValueError as error:
        raise UsageError(
            f"the fill for nulls in {name!r}",
            expected=f"a value of type {dtype}",
            got=repr(text),
            remedy=f"give each column its own in model.yaml: `fill: {{{name}: …}}`",
        ) from error
    return text


def _cast_note(column: FileColumn, dtype: Dtype) -> str:
    if column.kind is ColumnKind.INTEGER and dtype.is_float:
        if dtype is Dtype.FLOAT64 and column.type in ("int8", "int16", "int32", "uint8", "uint16", "uint32"):
            return ""
        return f"{column.type} → {dtype}, exact up to 2^{_MANTISSA[dtype]}"
    if column.kind is ColumnKind.DECIMAL and dtype.is_float:
        return f"{column.type} → {dtype}, rounded to {_MANTISSA[dtype]} bits"
    if column.type in ("double", "float64") and dtype in (Dtype.FLOAT32, Dtype.FLOAT16):
        return f"{column.type} → {dtype}, rounded to {_MANTISSA[dtype]} bits"
    if column.kind is ColumnKind.FLOAT and dtype.is_integer:
        return f"{column.type} → {dtype}, rows with a fraction are rejected"
    return ""
