"""What a model wants and gives, read once at submit and stored with the model version."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from scoring.core.columns import Dtype
from scoring.core.errors import ModelRefused

if TYPE_CHECKING:
    import onnx

_DTYPES: dict[int, Dtype] = {
    1: Dtype.FLOAT32,
    2: Dtype.UINT8,
    3: Dtype.INT8,
    4: Dtype.UINT16,
    5: Dtype.INT16,
    6: Dtype.INT32,
    7: Dtype.INT64,
    8: Dtype.STRING,
    9: Dtype.BOOL,
    10: Dtype.FLOAT16,
    11: Dtype.FLOAT64,
    12: Dtype.UINT32,
    13: Dtype.UINT64,
}
"""Element types of onnx.TensorProto that can be fed from columns."""


@dataclass(frozen=True, kw_only=True)
class TensorInfo:
    """One input or output."""

    name: str
    dtype: Dtype
    # Sizes of the axes, rows first; None where the model leaves it open.
    dims: tuple[int | None, ...]
    # Outputs: operator that makes it, such as Sigmoid; empty where it is not told.
    producer: str = ""
    # Outputs: it is a ZipMap of these classes; the session is given a plain [N, K] instead.
    zipmap: tuple[str, ...] = ()

    @property
    def width(self) -> int | None:
        """Values per row; None where an axis is open."""
        size = 1
        for dim in self.dims[1:]:
            if dim is None:
                return None
            size *= dim
        return size


@dataclass(frozen=True, kw_only=True)
class Signature:
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    # From the metadata; empty where there are none.
    feature_names: tuple[str, ...] = ()
    # Classes in probability order, as text, where the graph tells them.
    classes: tuple[str, ...] = ()

    @property
    def has_zipmap(self) -> bool:
        return any(output.zipmap for output in self.outputs)

    def without_zipmaps(self) -> "Signature":
        """Of the served copy: its graph has none."""
        return replace(self, outputs=tuple(replace(output, zipmap=()) for output in self.outputs))

    @property
    def fixed_rows(self) -> int | None:
        """Rows that each run must have, for a model with a fixed batch axis; None where any number will do."""
        return next((tensor.dims[0] for tensor in self.inputs if tensor.dims and tensor.dims[0] is not None), None)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Signature":
        return cls(
            inputs=tuple(_tensor(tensor) for tensor in data["inputs"]),
            outputs=tuple(_tensor(tensor) for tensor in data["outputs"]),
            feature_names=tuple(data["feature_names"]),
            classes=tuple(data["classes"]),
        )


def read_signature(model: "onnx.ModelProto") -> Signature:
    """What the graph declares; widths that it leaves open are still open. Raises ModelRefused."""
    from scoring.model import graph

    inputs = tuple(_info(value, "input") for value in graph.graph_inputs(model))
    if not inputs:
        raise ModelRefused(
            "the model has no input",
            expected="at least one, whose first axis is the rows",
            got="a graph that answers the same whatever the rows are",
            remedy="export the model with the features as inputs",
        )
    makers, maps = graph.producers(model), graph.zipmaps(model)
    outputs = []
    for value in model.graph.output:
        maker = makers.get(value.name)
        info = _zipmap(value.name, maps[value.name]) if value.name in maps else _info(value, "output")
        outputs.append(replace(info, producer=maker.op_type if maker is not None else ""))
    return Signature(
        inputs=inputs,
        outputs=tuple(outputs),
        feature_names=graph.feature_names(model),
        classes=graph.known_classes(model),
    )


def _zipmap(name: str, classes: tuple[str, ...]) -> TensorInfo:
    if not classes:
        raise ModelRefused(
            f"the ZipMap of output {name!r} names no class",
            expected="classlabels_strings or classlabels_int64s",
            got="neither",
            remedy="export the model with plain tensors (skl2onnx: zipmap=False)",
        )
    return TensorInfo(name=name, dtype=Dtype.FLOAT32, dims=(None, len(classes)), zipmap=classes)


def _info(value: "onnx.ValueInfoProto", side: str) -> TensorInfo:
    kind = value.type.WhichOneof("value")
    element = value.type.tensor_type.elem_type
    dtype = _DTYPES.get(element) if kind == "tensor_type" else None
    if kind == "sequence_type":
        raise ModelRefused(
            f"{side} {value.name!r} is a list, not a tensor",
            expected="a tensor of numbers, bool or text, or the dicts of a ZipMap",
            got="a sequence that no ZipMap node of the main graph makes",
            remedy="export the model with plain tensors (skl2onnx: zipmap=False)",
        )
    if dtype is None:
        raise ModelRefused(
            f"{side} {value.name!r} has a type that columns cannot hold",
            expected="a tensor of numbers, bool or text",
            got=_type_name(element) if kind == "tensor_type" else str(kind),
            remedy="cast it inside the graph, for example from or to float, and export the model again"
            if kind == "tensor_type"
            else "export the model with plain tensors (skl2onnx: zipmap=False)",
        )
    shape = value.type.tensor_type.shape
    dims = (dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None for dim in shape.dim)
    return TensorInfo(name=value.name, dtype=dtype, dims=tuple(dims))


def _type_name(element: int) -> str:
    """As in `bfloat16`."""
    import onnx

    names = {number: str(name).lower() for name, number in onnx.TensorProto.DataType.items()}
    return names.get(element, f"element type {element}, which ONNX does not know")


def _tensor(data: Mapping[str, Any]) -> TensorInfo:
    return TensorInfo(
        name=data["name"],
        dtype=Dtype(data["dtype"]),
        dims=tuple(data["dims"]),
        producer=data["producer"],
        zipmap=tuple(data["zipmap"]),
    )
