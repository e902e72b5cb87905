"""Output shapes that a graph leaves open are learnt from the trial run."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from scoring.core.errors import ModelRefused
from scoring.model.axes import shown
from scoring.model.signature import Signature, TensorInfo

Dims = Sequence[int | None]


def require_rows(seen: Mapping[str, Dims], rows: int) -> None:
    """ModelRefused where an output of the trial run has not as many rows as its inputs had.

    seen: as `settle` takes it. What has no axis at all is no column either, and refused as such.
    """
    for name, dims in seen.items():
        if dims and dims[0] != rows:
            raise ModelRefused(
                f"the output {name!r} has another number of rows than the inputs",
                expected=f"{rows} rows from {rows} rows" if rows > 1 else "one row from one row",
                got="a first axis that follows the size of another one" if dims[0] is None else f"{dims[0]} rows",
                remedy="export the model with the rows as the first axis of its outputs, such as [1, 3], not [3]",
            )


def settle(signature: Signature, seen: Mapping[str, Dims], failure: str = "") -> Signature:
    """The signature with the width of every output known; ModelRefused where it cannot be.

    seen: shapes in the trial run, rows first; empty where it failed, and `failure` says why.
    """
    outputs = (_settled(tensor, seen.get(tensor.name), failure) for tensor in signature.outputs)
    return replace(signature, outputs=tuple(outputs))


def _settled(tensor: TensorInfo, seen: Dims | None, failure: str) -> TensorInfo:
    if tensor.zipmap and seen is not None and tuple(seen[1:]) != (len(tensor.zipmap),):
        raise ModelRefused(
            f"the ZipMap of output {tensor.name!r} does not fit what it maps",
            expected=f"{len(tensor.zipmap)} numbers a row, one for each class",
            got=f"the shape {shown(seen)}",
            remedy="export the model again",
        )
    if tensor.dims and tensor.width is not None and not _contradicted(tensor, seen):
        return tensor
    if seen is None:
        raise _unknown(tensor, failure)
    if not seen:
        raise _unknown(tensor, "a value without a row axis")
    settled = replace(tensor, dims=(None, *seen[1:]))
    if settled.width is None:
        raise _unknown(tensor, f"the shape {shown(seen)}, which follows the size of the input")
    return settled


def _contradicted(tensor: TensorInfo, seen: Dims | None) -> bool:
    # Converters declare a wrong width now and then, and the runtime only warns: what came out once will come again.
    return bool(seen) and replace(tensor, dims=tuple(seen or ())).width not in (None, tensor.width)


def _unknown(tensor: TensorInfo, got: str) -> ModelRefused:
    return ModelRefused(
        f"the width of output {tensor.name!r} is not known",
        expected="a shape with the number of columns, or a model that runs on a row of zeros",
        got=got,
        remedy="export the model with the output's shape declared, for example [None, 2]; where it follows the size "
        "of an input, give that in model.yaml, for example `shapes: {tokens: [128]}`",
    )
