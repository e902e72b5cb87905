"""Output shapes that a graph leaves open are learnt from one small run."""

from dataclasses import replace

import numpy as np
import onnxruntime as ort

from scoring.core.columns import Dtype
from scoring.core.errors import ModelRefused
from scoring.model.session import ORT_ERRORS, said
from scoring.model.signature import Signature, TensorInfo

_ROWS = 2


def settle_shapes(signature: Signature, session: ort.InferenceSession) -> Signature:
    """The signature with the width of every output known; ModelRefused where it cannot be."""
    open_outputs = [tensor for tensor in signature.outputs if not tensor.dims or tensor.width is None]
    if not open_outputs:
        return signature
    try:
        feed = {tensor.name: _dummy(tensor, signature.fixed_rows or _ROWS) for tensor in signature.inputs}
        values = session.run([tensor.name for tensor in signature.outputs], feed)
    except ORT_ERRORS as error:
        raise _unknown(open_outputs[0], said(error)) from error
    outputs = (_settled(tensor, value) for tensor, value in zip(signature.outputs, values, strict=True))
    return replace(signature, outputs=tuple(outputs))


def _settled(tensor: TensorInfo, value: object) -> TensorInfo:
    if not isinstance(value, np.ndarray) or value.ndim == 0:
        raise _unknown(tensor, "a value without a row axis")
    return replace(tensor, dims=(None, *value.shape[1:]))


def _dummy(tensor: TensorInfo, rows: int) -> np.ndarray:
    if tensor.width is None:
        raise ValueError(f"input {tensor.name} has an open axis")
    shape = (rows, *(dim or 1 for dim in tensor.dims[1:])) if tensor.dims else (rows,)
    return np.full(shape, "", object) if tensor.dtype is Dtype.STRING else np.zeros(shape, tensor.dtype.value)


def _unknown(tensor: TensorInfo, got: str) -> ModelRefused:
    return ModelRefused(
        f"the width of output {tensor.name!r} is not known",
        expected="a shape with the number of columns, or a model that runs on a row of zeros",
        got=got,
        remedy="export the model with the output's shape declared, for example [None, 2]",
    )
