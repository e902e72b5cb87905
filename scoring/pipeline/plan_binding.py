"""The binding as a table for people: what each input of the model is fed by, and what is done to it on the way."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from scoring.core.binding import Binding, InputBinding, Shape
from scoring.core.columns import ColumnSpec, Dtype, NullAction
from scoring.core.conversions import Categories, Conversion, Moment, Scale
from scoring.core.source import ColumnKind, FileColumn, SourceSchema

_TENSOR_NAMES = {"halffloat": "float16", "float": "float32", "double": "float64", "large_string": "string"}
"""Arrow's names of types that tensors call otherwise."""

_ELEMENT = re.compile(r": (\w+)>")
"""In fixed_size_list<element: int64>[4]."""

_UNTYPED = (ColumnKind.TEXT, ColumnKind.JSON)
"""Columns whose cells are parsed as what the tensor wants: nothing is cast."""


@dataclass(frozen=True, kw_only=True)
class BoundColumn:
    """One column that feeds an input."""

    column: str
    # As the file calls it; "prepare" for what the prepare function makes.
    type: str
    # What is read → what is fed, such as "float64 → float32"; "" where they are the same.
    cast: str
    # What becomes of a null: "nan", "reject" or "fill=0".
    nulls: str
    # What is done to the cells before, such as "3 categories, others reject"; "" for nothing.
    conversion: str
    # Nulls among the cells of the first rows that were looked at.
    nulls_sampled: int = 0
    cells_sampled: int = 0


@dataclass(frozen=True, kw_only=True)
class BoundInput:
    """One input of the model, and the columns that feed it."""

    input: str
    # Type and shape of the tensor, such as "float32 [N,28]".
    dtype: str
    # In tensor order.
    sources: tuple[BoundColumn, ...]

    def to_json(self) -> dict[str, Any]:
        """`cast` and `nulls` are those of all columns, each once."""
        nulls = ", ".join(sorted({source.nulls for source in self.sources})) + sampled(self.sources)
        return {
            "input": self.input,
            "columns": [source.column for source in self.sources],
            "dtype": self.dtype,
            "cast": ", ".join(sorted({source.cast for source in self.sources} - {""})),
            "nulls": nulls,
            "sources": [asdict(source) for source in self.sources],
        }


def bound_inputs(binding: Binding, source: SourceSchema) -> tuple[BoundInput, ...]:
    """In the model's order."""
    specs = {spec.slot: spec for spec in binding.columns}
    made = {spec.slot: spec for spec in binding.hook.columns} if binding.hook else {}
    return tuple(_bound(bound, source, specs, made) for bound in binding.inputs)


def ignored_columns(binding: Binding, source: SourceSchema) -> tuple[str, ...]:
    """Columns of the file that neither feed the model nor are carried to the result."""
    used = {spec.name for spec in binding.columns}
    return tuple(column.name for column in source.columns if column.name not in used)


def _bound(
    bound: InputBinding, source: SourceSchema, specs: Mapping[str, ColumnSpec], made: Mapping[str, ColumnSpec]
) -> BoundInput:
    feeds = [(made.get(slot) or specs[slot], slot in made) for slot in bound.slots]
    return BoundInput(
        input=bound.input,
        dtype=f"{bound.dtype} {_shape(bound, [spec for spec, _ in feeds])}",
        sources=tuple(_made(spec) if by_hook else _source(source, spec) for spec, by_hook in feeds),
    )


def _shape(bound: InputBinding, feeds: Sequence[ColumnSpec]) -> str:
    if bound.shape is Shape.MATRIX:
        return f"[N,{sum(spec.list_size or 1 for spec in feeds)}]"
    return f"[N,{','.join(map(str, bound.dims))}]" if bound.dims else str(bound.shape)


def _made(spec: ColumnSpec) -> BoundColumn:
    return BoundColumn(column=spec.name, type="prepare", cast="", nulls=_nulls(spec), conversion="")


def _source(source: SourceSchema, spec: ColumnSpec) -> BoundColumn:
    found = source.column(spec.name)
    plain = found is None or found.kind in _UNTYPED or spec.conversion is not None or _element(found) == spec.dtype
    cells = source.sample.get(spec.name, ())
    return BoundColumn(
        column=spec.name,
        type="" if found is None else found.type,
        cast="" if plain or found is None else f"{_element(found)} → {spec.dtype}",
        nulls=_nulls(spec),
        conversion=in_words(spec.conversion),
        nulls_sampled=sum(cell is None or (cell == "" and spec.dtype is not Dtype.STRING) for cell in cells),
        cells_sampled=len(cells),
    )


def _element(column: FileColumn) -> str:
    """The type of its values by the name that tensors have for it; of a list, that of its elements."""
    element = _ELEMENT.search(column.type) if column.kind is ColumnKind.LIST else None
    name = element[1] if element else column.type
    return _TENSOR_NAMES.get(name, name)


def _nulls(column: ColumnSpec) -> str:
    return f"fill={column.fill}" if column.nulls is NullAction.FILL else str(column.nulls)


def in_words(conversion: Conversion | None) -> str:
    """What is done to a cell before it is cast."""
    match conversion:
        case None:
            return ""
        case Categories():
            unknown = "reject" if conversion.unknown is None else conversion.unknown
            return f"{len(conversion.codes)} categories, others {unknown}"
        case Moment():
            what = str(conversion.part) if conversion.unit is None else f"{conversion.unit} since {conversion.since}"
            return what if conversion.format is None else f"{what}, written {conversion.format}"
        case Scale():
            return f"× {conversion.factor:g} + {conversion.offset:g}"


def sampled(sources: Sequence[BoundColumn]) -> str:
    """How many nulls the first rows hold, as words in brackets; "" for none."""
    nulls, cells = (sum(getattr(source, name) for source in sources) for name in ("nulls_sampled", "cells_sampled"))
    return f" ({nulls:,} of {cells:,} cells sampled)" if nulls else ""
