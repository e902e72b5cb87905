"""Sizes of the axes after the rows: of a model's input, and of the lists that fill it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scoring.core.errors import ModelRefused
from scoring.model.hints import listed
from scoring.model.signature import Signature, TensorInfo
from scoring.model.spec import ModelSpec
from scoring.model.spec_values import near

Axes = tuple[int | None, ...]
"""None where a size is open."""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How the lists of a column fill an input, with every size known."""

    # Of the input, without the rows.
    axes: tuple[int, ...]
    # Of the lists in the column.
    lists: tuple[int, ...]


def check_axes(signature: Signature, spec: ModelSpec) -> None:
    """ModelRefused for inputs without a first axis of rows, or with other numbers of rows, and for wrong `shapes`."""
    known = [tensor.name for tensor in signature.inputs]
    for name in spec.shapes:
        if name not in known:
            raise ModelRefused(
                "the spec gives the shape of an input that the model does not have",
                expected=f"some of {listed(known)}",
                got=repr(name),
                remedy=near(name, known) or "correct `shapes` in model.yaml",
            )
    for tensor in signature.inputs:
        _check_rows(tensor)
        if tensor.dims[0] is not None and None in row_axes(tensor, spec):
            raise _unclear(tensor)
    fixed = {tensor.dims[0]: tensor for tensor in signature.inputs if tensor.dims[0] is not None}
    if len(fixed) > 1:
        raise ModelRefused(
            "the model's inputs have different numbers of rows",
            expected="rows as the first axis of every input, and one number of them where it is fixed",
            got=", ".join(f"{tensor.name} {shown(tensor.dims)}" for tensor in fixed.values()),
            remedy="export the model with an open first axis of rows",
        )


def row_axes(tensor: TensorInfo, spec: ModelSpec) -> Axes:
    """The axes of one row, those that the model leaves open as the spec says. ModelRefused where the two disagree."""
    axes, told = tensor.dims[1:], spec.shapes.get(tensor.name)
    if told is None:
        return axes
    if len(told) != len(axes) or any(axis not in (None, size) for axis, size in zip(axes, told, strict=True)):
        raise ModelRefused(
            f"the spec gives another shape than the input {tensor.name!r} has",
            expected=f"{len(axes)} sizes, those of one row of {shown(tensor.dims)}",
            got=str(list(told)),
            remedy="correct `shapes` in model.yaml; the axis of rows is not among them",
        )
    return told


def fit_lists(lists: Axes, axes: Axes) -> Fit | None:
    """lists: axes of a column, axes: of an input. None where they differ, or where a size remains open."""
    if 0 in lists:
        return None
    plain = [place for place, size in enumerate(axes) if size != 1]
    if len(lists) == len(axes):
        merged = _merged(lists, axes)
        return None if merged is None else Fit(axes=merged, lists=merged)
    if len(lists) == len(plain):
        merged = _merged(lists, [axes[place] for place in plain])
        return None if merged is None else Fit(axes=_spread(merged, plain, len(axes)), lists=merged)
    if len(lists) == 1:
        filled = fill_axes(lists[0], axes)
        return None if filled is None else Fit(axes=filled, lists=(math.prod(filled),))
    known = [size for size in lists if size is not None]
    if len(axes) == 1 and len(known) == len(lists) and axes[0] in (None, math.prod(known)):
        return Fit(axes=(math.prod(known),), lists=tuple(known))
    return None


def fill_axes(count: int | None, axes: Axes) -> tuple[int, ...] | None:
    """The axes that `count` values of a row fill, one open size reckoned from it; None: as many as the axes say."""
    known = [size for size in axes if size is not None]
    rest = math.prod(known)
    if len(known) == len(axes):
        return tuple(known) if count in (None, rest) else None
    if count is None or len(known) < len(axes) - 1 or count == 0 or count % rest:
        return None
    return tuple(count // rest if size is None else size for size in axes)


def shown(dims: Sequence[int | None]) -> str:
    """As in `[N, 3, ?]`."""
    sizes = ["?" if size is None else str(size) for size in dims]
    return f"[{', '.join(['N' if dims[0] is None else sizes[0], *sizes[1:]])}]" if dims else "[]"


def _merged(lists: Axes, axes: Sequence[int | None]) -> tuple[int, ...] | None:
    pairs = list(zip(lists, axes, strict=True))
    if any(one is not None and other is not None and one != other for one, other in pairs):
        return None
    sizes = [one if other is None else other for one, other in pairs]
    known = tuple(size for size in sizes if size is not None)
    return known if len(known) == len(sizes) else None


def _spread(sizes: tuple[int, ...], places: Sequence[int], rank: int) -> tuple[int, ...]:
    spread = [1] * rank
    for place, size in zip(places, sizes, strict=True):
        spread[place] = size
    return tuple(spread)


def _unclear(tensor: TensorInfo) -> ModelRefused:
    sizes = ", ".join("SIZE" if size is None else str(size) for size in tensor.dims[1:])
    return ModelRefused(
        f"the input {tensor.name!r} has a first axis of {tensor.dims[0]} and an open one behind it",
        expected="rows as the first axis",
        got=shown(tensor.dims),
        remedy=f"if the open axis is the rows, export the model with them first; if runs take {tensor.dims[0]} rows "
        f"each, write model.yaml beside the model: `shapes: {{{tensor.name}: [{sizes}]}}`",
    )


def _check_rows(tensor: TensorInfo) -> None:
    if tensor.dims:
        return
    raise ModelRefused(
        f"the input {tensor.name!r} has no axis for rows",
        expected="a shape of [N], [N, 1], [N, F] or with more axes after the rows",
        got="a scalar, or a shape that the model does not tell",
        remedy="export the model with an input whose first axis is the rows, and constants inside the graph",
    )
