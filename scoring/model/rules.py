"""What a model file must not hold, whatever the runtime would make of it. Imports onnx inside."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from scoring.core.errors import ModelRefused

if TYPE_CHECKING:
    import onnx
    from google.protobuf.message import Message  # type: ignore[import-untyped]  # ships no types

SERVED_DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft")
"""Sets of operators that every build of ONNX Runtime holds."""

_NO_SCHEMA = "No Op registered"


def refuse_external_data(model: "onnx.ModelProto") -> None:
    """ModelRefused where any tensor, however deep, names another file; none is looked for, let alone opened."""
    import onnx

    for message in _messages(model):
        if isinstance(message, onnx.TensorProto) and (
            message.data_location == onnx.TensorProto.EXTERNAL or message.external_data
        ):
            raise ModelRefused(
                "the model keeps its weights in other files",
                expected="one .onnx file with its weights inside",
                got=f"tensor {message.name!r} with external data",
                remedy="save it with onnx.save(model, path, save_as_external_data=False)",
            )


def refuse_custom_operators(model: "onnx.ModelProto") -> None:
    """ModelRefused where an operator is neither the runtime's own nor a function of the model itself."""
    import onnx

    own = {(function.domain, function.name) for function in model.functions}
    for node in _messages(model):
        if not isinstance(node, onnx.NodeProto) or node.domain in SERVED_DOMAINS:
            continue
        if (node.domain, node.op_type) not in own:
            raise _custom(f"{node.op_type} of the domain {node.domain!r}")


def check_form(model: "onnx.ModelProto") -> None:
    """What onnx.checker says against the model, as ModelRefused.

    It wants a shape for every input and output; the runtime does not, and files without are common.
    """
    import onnx

    try:
        with _shapes_given(model):
            onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        words = " ".join(str(error).split())[:300]
        if _NO_SCHEMA in words:
            raise _custom(words) from error
        raise ModelRefused(
            "the model is not valid ONNX",
            expected="a model that onnx.checker passes",
            got=words,
            remedy="export the model to ONNX again, with an older opset if it is newer than this program",
        ) from error


@contextmanager
def _shapes_given(model: "onnx.ModelProto") -> Iterator[None]:
    """Empty shapes where there are none, in the block alone: a copy of the model could be large."""
    types = [value.type.tensor_type for value in (*model.graph.input, *model.graph.output)]
    bare = [kind for kind in types if kind.elem_type and not kind.HasField("shape")]
    for kind in bare:
        kind.shape.SetInParent()
    try:
        yield
    finally:
        for kind in bare:
            kind.ClearField("shape")


def _messages(root: "Message") -> Iterator["Message"]:
    """The message and all those inside it. A stack, not recursion: subgraphs may lie deep."""
    from google.protobuf.message import Message

    stack = [root]
    while stack:
        message = stack.pop()
        yield message
        for field, value in message.ListFields():
            if field.message_type is not None:
                stack.extend([value] if isinstance(value, Message) else value)


def _custom(got: str) -> ModelRefused:
    return ModelRefused(
        "the model has operators that ONNX Runtime does not bring",
        expected="operators of the domains ai.onnx, ai.onnx.ml and com.microsoft",
        got=got,
        remedy="custom operators are not supported; export the model without them",
    )
