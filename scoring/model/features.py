"""Which columns feed which input (CONTRACT section 5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scoring.core.binding import Shape
from scoring.core.columns import Dtype
from scoring.core.errors import InputRefused, ModelRefused
from scoring.core.source import ColumnKind, FileColumn, SourceSchema
from scoring.model.hints import SHOWN, listed, require_columns
from scoring.model.signature import Signature, TensorInfo
from scoring.model.spec import ModelSpec


@dataclass(frozen=True, kw_only=True)
class Feed:
    """One input and its columns, in tensor order."""

    tensor: TensorInfo
    shape: Shape
    columns: tuple[FileColumn, ...]


def choose_columns(
    signature: Signature, spec: ModelSpec, source: SourceSchema, *, taken: frozenset[str]
) -> tuple[Feed, ...]:
    """Columns for every input. taken: columns that are asked for as key, kept or label; never features by default."""
    for tensor in signature.inputs:
        _check_rank(tensor)
    names = _named(signature, spec, source)
    if len(signature.inputs) == 1 and not names:
        only = signature.inputs[0]
        names = {only.name: _numeric_columns(only, source, taken)}
    require_columns((name for columns in names.values() for name in columns), source, what="features of the model")
    return tuple(_feed(tensor, names[tensor.name], source) for tensor in signature.inputs)


def _named(signature: Signature, spec: ModelSpec, source: SourceSchema) -> dict[str, tuple[str, ...]]:
    """Columns per input as told by the spec, the metadata, or the inputs' own names; empty where nothing tells."""
    unknown = [name for name in spec.inputs if name not in {tensor.name for tensor in signature.inputs}]
    if unknown:
        got = listed([tensor.name for tensor in signature.inputs])
        raise ModelRefused(
            "the spec names inputs that the model does not have", expected=f"some of {got}", got=listed(unknown)
        )
    if len(signature.inputs) > 1:
        return {tensor.name: spec.inputs.get(tensor.name) or _own_name(tensor, source) for tensor in signature.inputs}
    only = signature.inputs[0]
    told = spec.inputs.get(only.name) or spec.features
    if told:
        return {only.name: told}
    lists = [column.name for column in source.columns if _is_list_for(column, only)]
    if source.column(only.name) is not None and (only.width == 1 or only.name in lists):
        return {only.name: (only.name,)}
    if signature.feature_names and only.width in (None, len(signature.feature_names)):
        return {only.name: signature.feature_names}
    return {only.name: (lists[0],)} if len(lists) == 1 else {}


def _own_name(tensor: TensorInfo, source: SourceSchema) -> tuple[str, ...]:
    column = source.column(tensor.name)
    if tensor.width == 1 or (column is not None and _is_list_for(column, tensor)):
        return (tensor.name,)
    raise InputRefused(
        f"it is not clear which columns feed the input {tensor.name!r}",
        expected=f"{tensor.width or 'some'} columns named for it, or one list column of its name",
        got=f"columns {listed([column.name for column in source.columns])}",
        remedy=_spec_text({tensor.name: [column.name for column in source.columns][: min(tensor.width or 2, 3)]}),
    )


def _numeric_columns(tensor: TensorInfo, source: SourceSchema, taken: frozenset[str]) -> tuple[str, ...]:
    free = [column for column in source.columns if column.name not in taken]
    numeric = [column.name for column in free if column.kind.numeric or column.looks_numeric]
    if tensor.width == len(numeric) and tensor.dtype is not Dtype.STRING:
        return tuple(numeric)
    wanted = "text columns" if tensor.dtype is Dtype.STRING else "numeric columns"
    raise InputRefused(
        f"it is not clear which columns feed the input {tensor.name!r}",
        expected=f"exactly {tensor.width or 'as many as the model was trained on'} {wanted}"
        " that are neither key, label nor kept",
        got=f"{len(numeric)} numeric ones: {listed(numeric)}",
        remedy="name the others with --key or --keep, or write model.yaml beside the model: "
        f"`features: [{', '.join(numeric[: tensor.width or SHOWN][:SHOWN])}]`",
    )


def _feed(tensor: TensorInfo, names: Sequence[str], source: SourceSchema) -> Feed:
    columns = tuple(column for name in names if (column := source.column(name)) is not None)
    widths = sum(column.list_size or 1 for column in columns)
    lists = [column.name for column in columns if column.kind is ColumnKind.FLOAT_LIST]
    if tensor.width not in (None, widths) or (lists and len(columns) > 1):
        raise InputRefused(
            f"the columns do not fill the input {tensor.name!r}",
            expected=f"{tensor.width} values per row" + (", from one list column alone" if lists else ""),
            got=f"{widths} from {listed([column.name for column in columns])}",
            remedy=_spec_text({tensor.name: ["…"]}),
        )
    return Feed(tensor=tensor, shape=_shape(tensor, lists), columns=columns)


def _shape(tensor: TensorInfo, lists: list[str]) -> Shape:
    if len(tensor.dims) == 1:
        return Shape.VECTOR
    return Shape.COLUMN if tensor.width == 1 and not lists else Shape.MATRIX


def _is_list_for(column: FileColumn, tensor: TensorInfo) -> bool:
    return column.kind is ColumnKind.FLOAT_LIST and len(tensor.dims) == 2 and tensor.width in (None, column.list_size)


def _check_rank(tensor: TensorInfo) -> None:
    if len(tensor.dims) not in (1, 2):
        shape = ", ".join("?" if dim is None else str(dim) for dim in tensor.dims)
        raise ModelRefused(
            f"the input {tensor.name!r} is no column and no matrix of columns",
            expected="a shape of [N], [N, 1] or [N, F]",
            got=f"[{shape}]",
            remedy="export the model with a flat input",
        )


def _spec_text(inputs: Mapping[str, Sequence[str]]) -> str:
    lines = ", ".join(f"{name}: [{', '.join(columns)}, …]" for name, columns in inputs.items())
    return f"write model.yaml beside the model: `inputs: {{{lines}}}`"
