"""Which columns feed which input (CONTRACT section 5)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scoring.core.binding import Shape
from scoring.core.columns import Dtype
from scoring.core.errors import InputRefused, ModelRefused
from scoring.core.source import ColumnKind, FileColumn
from scoring.model.axes import Axes, Fit, check_axes, fill_axes, fit_lists, row_axes, shown
from scoring.model.catalogue import Catalogue, Feature
from scoring.model.hints import SHOWN, delimiter_hint, listed
from scoring.model.signature import Signature, TensorInfo
from scoring.model.spec import ModelSpec


@dataclass(frozen=True, kw_only=True)
class Feed:
    """One input and what fills it."""

    tensor: TensorInfo
    shape: Shape
    # In C order of the tensor.
    features: tuple[Feature, ...]
    # Sizes of the axes after the rows.
    axes: tuple[int, ...]
    # Axes of the lists in the only column; empty where each column holds one value per row.
    lists: tuple[int, ...] = ()


def choose_columns(signature: Signature, spec: ModelSpec, catalogue: Catalogue) -> tuple[Feed, ...]:
    """Columns for every input. InputRefused for what is missing or ambiguous, ModelRefused where the spec is wrong."""
    check_axes(signature, spec)
    _check_inputs(signature, spec)
    axes = {tensor.name: row_axes(tensor, spec) for tensor in signature.inputs}
    if len(signature.inputs) == 1:
        only = signature.inputs[0]
        names = {only.name: _columns_of_the_only(signature, spec, catalogue, axes[only.name])}
    else:
        told = _told(signature, spec, axes)
        names = {t.name: told.get(t.name) or _own_name(t, axes[t.name], catalogue) for t in signature.inputs}
    catalogue.require(name for columns in names.values() for name in columns)
    return tuple(
        _feed(tensor, axes[tensor.name], catalogue.features(names[tensor.name])) for tensor in signature.inputs
    )


def _check_inputs(signature: Signature, spec: ModelSpec) -> None:
    known = [tensor.name for tensor in signature.inputs]
    unknown = [name for name in spec.inputs if name not in known]
    if unknown:
        raise ModelRefused(
            "the spec names inputs that the model does not have",
            expected=f"some of {listed(known)}",
            got=listed(unknown),
            remedy="correct `inputs` in model.yaml",
        )


def _told(signature: Signature, spec: ModelSpec, axes: Mapping[str, Axes]) -> dict[str, tuple[str, ...]]:
    """Columns per input as the spec has them; `features` are those of the one matrix that `inputs` leaves open."""
    told = {name: columns for name, columns in spec.inputs.items() if columns}
    if not spec.features:
        return told
    matrices = [t.name for t in signature.inputs if t.name not in told and _values(axes[t.name]) != 1]
    if len(matrices) != 1:
        raise ModelRefused(
            "the spec lists `features`, and it is not clear for which input",
            expected="one input of several values per row that `inputs` does not name",
            got=listed(matrices) or "none",
            remedy="write `inputs: {INPUT: [COLUMN, …]}` in model.yaml in its place",
        )
    return {**told, matrices[0]: spec.features}


def _columns_of_the_only(signature: Signature, spec: ModelSpec, catalogue: Catalogue, axes: Axes) -> tuple[str, ...]:
    """As told by the spec, the input's own name, the metadata, or what there is exactly enough of."""
    only = signature.inputs[0]
    told = spec.inputs.get(only.name)
    if told and spec.features:
        raise ModelRefused(
            f"the spec names the columns of the input {only.name!r} twice",
            expected="`features` or `inputs`",
            got="both",
            remedy="take one of them out of model.yaml",
        )
    if told or spec.features:
        return told or spec.features
    if _has_own_column(only, axes, catalogue):
        return (only.name,)
    if signature.feature_names and _values(axes) in (None, len(signature.feature_names)):
        return signature.feature_names
    lists = [feature.name for feature in catalogue.free if _is_list_for(feature, only, axes)]
    return (lists[0],) if len(lists) == 1 else _numeric_columns(only, axes, catalogue)


def _own_name(tensor: TensorInfo, axes: Axes, catalogue: Catalogue) -> tuple[str, ...]:
    if _values(axes) == 1 or _has_own_column(tensor, axes, catalogue):
        return (tensor.name,)
    shape = shown(tensor.dims)
    raise InputRefused(
        f"it is not clear which columns feed the input {tensor.name!r}",
        expected=f"{_values(axes) or 'some'} columns named for it, or one list column of its name, for {shape}",
        got=f"columns {listed(catalogue.names)}",
        remedy=delimiter_hint(catalogue.names)
        or _spec_text({tensor.name: catalogue.names[: min(_values(axes) or 2, 3)]}),
    )


def _has_own_column(tensor: TensorInfo, axes: Axes, catalogue: Catalogue) -> bool:
    """Whether the column of the input's name is there and may fill it alone."""
    feature = catalogue.feature(tensor.name)
    if feature is None:
        return False
    if _values(axes) == 1 or feature.column.kind is ColumnKind.LIST:
        return True
    return feature.column.kind is ColumnKind.JSON and tensor.name in catalogue.names


def _numeric_columns(tensor: TensorInfo, axes: Axes, catalogue: Catalogue) -> tuple[str, ...]:
    numeric, wanted = catalogue.numbers, _values(axes)
    if wanted == len(numeric) and tensor.dtype is not Dtype.STRING:
        return tuple(numeric)
    raise _unclear(tensor, wanted, catalogue)


def _unclear(tensor: TensorInfo, wanted: int | None, catalogue: Catalogue) -> InputRefused:
    text, numeric = tensor.dtype is Dtype.STRING, catalogue.numbers
    named = catalogue.names if text else numeric
    count = wanted or "as many as the model was trained on"
    others = "" if text else "name the others with --key or --keep, or "
    features = ", ".join(named[: wanted or SHOWN][:SHOWN]) or "COLUMN, …"
    return InputRefused(
        f"it is not clear which columns feed the input {tensor.name!r}",
        expected=f"{count} text columns, named in their order"
        if text
        else f"exactly {count} numeric columns that are neither key, label nor kept",
        got=f"{len(numeric)} numeric ones: {listed(numeric)}"
        if numeric and not text
        else f"columns {listed(catalogue.names)}{'' if text else ', none of them numeric'}",
        remedy=delimiter_hint(catalogue.names)
        or f"{others}write model.yaml beside the model: `features: [{features}]`",
    )


def _feed(tensor: TensorInfo, axes: Axes, features: tuple[Feature, ...]) -> Feed:
    listed_ones = [feature for feature in features if feature.column.kind is ColumnKind.LIST]
    if len(features) == 1 and (listed_ones or _is_json_list(features[0].column, axes)):
        fit = _fit(features[0].column, axes)
        if fit is not None and (tensor.dims[1:] or not listed_ones):
            return Feed(tensor=tensor, shape=_list_shape(tensor), features=features, axes=fit.axes, lists=fit.lists)
        raise _unfilled(tensor, axes, features)
    filled = None if listed_ones else fill_axes(len(features), axes)
    if filled is None:
        raise _unfilled(tensor, axes, features)
    return Feed(tensor=tensor, shape=_shape(tensor), features=features, axes=filled)


def _fit(column: FileColumn, axes: Axes) -> Fit | None:
    if column.kind is ColumnKind.LIST:
        return fit_lists(column.dims, axes)
    filled = fill_axes(None, axes)
    return None if filled is None else Fit(axes=filled, lists=filled)


def _is_json_list(column: FileColumn, axes: Axes) -> bool:
    return column.kind is ColumnKind.JSON and _values(axes) != 1


def _is_list_for(feature: Feature, tensor: TensorInfo, axes: Axes) -> bool:
    column = feature.column
    if column.kind is not ColumnKind.LIST or feature.conversion is not None or not axes:
        return False
    text = column.element is ColumnKind.STRING
    return text == (tensor.dtype is Dtype.STRING) and fit_lists(column.dims, axes) is not None


def _shape(tensor: TensorInfo) -> Shape:
    if len(tensor.dims) == 1:
        return Shape.VECTOR
    return Shape.COLUMN if tensor.dims[1:] == (1,) else _list_shape(tensor)


def _list_shape(tensor: TensorInfo) -> Shape:
    return Shape.MATRIX if len(tensor.dims) == 2 else Shape.TENSOR


def _values(axes: Axes) -> int | None:
    """Values per row; None where a size is open."""
    sizes = [size for size in axes if size is not None]
    return math.prod(sizes) if len(sizes) == len(axes) else None


def _unfilled(tensor: TensorInfo, axes: Axes, features: Sequence[Feature]) -> InputRefused:
    got = ", ".join(f"{feature.name!r} ({feature.column.type})" for feature in features[:SHOWN])
    if None in axes:
        return _open(tensor, axes, got)
    lists = any(feature.column.kind is ColumnKind.LIST for feature in features)
    written = "write lists of that size, or map another column" if lists else "name as many columns"
    return InputRefused(
        f"the columns do not fill the input {tensor.name!r}",
        expected=f"{_values(axes)} values per row, for {shown(tensor.dims)}"
        + (", from one list column alone" if lists else ""),
        got=f"{len(features)} columns: {got}" if len(features) > 1 else got,
        remedy=f"{written} in model.yaml: `inputs: {{{tensor.name}: {'COLUMN' if lists else '[COLUMN, …]'}}}`",
    )


def _open(tensor: TensorInfo, axes: Axes, got: str) -> InputRefused:
    sizes = ", ".join("SIZE" if size is None else str(size) for size in axes)
    return InputRefused(
        f"the input {tensor.name!r} leaves the size of an axis open",
        expected=f"one size for all rows, for {shown(tensor.dims)}: from a fixed_size_list column, or told",
        got=got,
        remedy=f"write model.yaml beside the model: `shapes: {{{tensor.name}: [{sizes}]}}`",
    )


def _spec_text(inputs: Mapping[str, Sequence[str]]) -> str:
    lines = ", ".join(f"{name}: [{', '.join(columns)}, …]" for name, columns in inputs.items())
    return f"write model.yaml beside the model: `inputs: {{{lines}}}`"
