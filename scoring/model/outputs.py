"""What each output becomes in the part file (CONTRACT section 6)."""

from collections.abc import Sequence

from scoring.core.binding import Layout, OutputBinding
from scoring.core.errors import ModelRefused
from scoring.model.axes import shown
from scoring.model.hints import listed
from scoring.model.signature import Signature, TensorInfo
from scoring.model.spec import ModelSpec

WIDEST = 32


def bind_outputs(signature: Signature, spec: ModelSpec) -> tuple[OutputBinding, ...]:
    """All outputs in the model's order, renamed as the spec says."""
    outputs = tuple(_bind(tensor, signature, spec) for tensor in signature.outputs)
    columns = [name for output in outputs for name in output.columns]
    unknown = [name for name in spec.rename if name not in columns and name not in spec.rename.values()]
    if unknown:
        raise ModelRefused(
            "the spec renames columns that the result does not have",
            expected=f"some of {listed(columns)}",
            got=listed(unknown),
            remedy="correct `rename` in model.yaml",
        )
    return tuple(_renamed(output, spec) for output in outputs)


def _bind(tensor: TensorInfo, signature: Signature, spec: ModelSpec) -> OutputBinding:
    width = _width(tensor)
    layout = _layout(tensor, width)
    classes = _classes(tensor, signature, spec) if layout is not Layout.SCALAR else ()
    return OutputBinding(
        output=tensor.name,
        dtype=tensor.dtype,
        layout=layout,
        columns=_columns(tensor, layout, spec) if layout is Layout.WIDE else (tensor.name,),
        width=width,
        classes=classes,
    )


def _width(tensor: TensorInfo) -> int:
    """Values per row. ModelRefused where there are none, or where nothing tells how many."""
    if tensor.dims and tensor.width:
        return tensor.width
    raise ModelRefused(
        f"the output {tensor.name!r} is no column of a result",
        expected="an axis of rows, and a known number of values per row, 1 at least",
        got=shown(tensor.dims) if tensor.dims else "a scalar, or a shape that the model does not tell",
        remedy="export the model with one result per row, or without this output",
    )


def _layout(tensor: TensorInfo, width: int) -> Layout:
    # A ZipMap of one class is still a column per class.
    if width == 1 and not tensor.zipmap:
        return Layout.SCALAR
    return Layout.WIDE if width <= WIDEST and len(tensor.dims) == 2 else Layout.LIST


def _columns(tensor: TensorInfo, layout: Layout, spec: ModelSpec) -> tuple[str, ...]:
    """NAME_<class> where a ZipMap or the spec names the classes; the graph's own labels rename nothing."""
    width = _width(tensor)
    names: Sequence[str] = spec.classes if tensor.dtype.is_float and len(spec.classes) == width else tensor.zipmap
    return tuple(f"{tensor.name}_{suffix}" for suffix in names or range(width))


def _classes(tensor: TensorInfo, signature: Signature, spec: ModelSpec) -> tuple[str, ...]:
    for names in (spec.classes, tensor.zipmap, signature.classes):
        if tensor.dtype.is_float and len(names) == tensor.width:
            return tuple(names)
    return ()


def _renamed(output: OutputBinding, spec: ModelSpec) -> OutputBinding:
    return OutputBinding(
        output=output.output,
        dtype=output.dtype,
        layout=output.layout,
        columns=tuple(spec.rename.get(name, name) for name in output.columns),
        width=output.width,
        classes=output.classes,
    )
