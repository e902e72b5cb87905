"""Reading an ONNX graph without running it. Imports onnx inside: only submit, and models with a ZipMap, pay for it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scoring.core.errors import ModelRefused
from scoring.model.rules import refuse_external_data

if TYPE_CHECKING:
    import onnx

_EXPORT = "export the model to ONNX again and submit the new file"


def parse(data: bytes) -> "onnx.ModelProto":
    """The model, or ModelRefused where the bytes are none. External weights are refused, never followed."""
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # ships no types

    if not data:
        raise ModelRefused("the model file is empty", expected="an ONNX model", got="0 bytes", remedy=_EXPORT)
    try:
        model = onnx.load_model_from_string(data)
    except DecodeError as error:
        raise _no_model(data) from error
    # Bytes of another format can read as a message without a graph, or with an empty one.
    if not model.graph.node and not model.graph.output:
        raise _no_model(data)
    if not model.graph.output:
        raise ModelRefused(
            "the model has no output",
            expected="at least one, with a row for each row of the input",
            got=f"{len(model.graph.node)} operators, of which no result comes out",
            remedy="export the model with its results as outputs",
        )
    refuse_external_data(model)
    return model


def _no_model(data: bytes) -> ModelRefused:
    return ModelRefused(
        "the file is not an ONNX model",
        expected="an ONNX model, whole",
        got=f"{len(data)} bytes that begin with {data[:8]!r}",
        remedy=_EXPORT + "; a cut download looks like this too",
    )


def graph_inputs(model: "onnx.ModelProto") -> "list[onnx.ValueInfoProto]":
    """Inputs that a caller feeds: files of old versions list their weights among them."""
    weights = {tensor.name for tensor in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in weights]


def producers(model: "onnx.ModelProto") -> "dict[str, onnx.NodeProto]":
    """Name of a value → the node that makes it."""
    return {name: node for node in model.graph.node for name in node.output}


def class_labels(node: "onnx.NodeProto") -> tuple[str, ...]:
    """Classes that a node of ai.onnx.ml carries as attributes, as text; empty where it has none."""
    for attribute in node.attribute:
        if attribute.name in ("classlabels_strings", "classlabels_string_vocab") and attribute.strings:
            return tuple(value.decode("utf-8", "replace") for value in attribute.strings)
        if attribute.name in ("classlabels_int64s", "classlabels_ints") and attribute.ints:
            return tuple(str(value) for value in attribute.ints)
    return ()


def known_classes(model: "onnx.ModelProto") -> tuple[str, ...]:
    """Classes of the model in probability order where the graph tells them, else empty."""
    for labels in (*map(class_labels, reversed(model.graph.node)), *_label_tables(model)):
        if labels:
            return labels
    return ()


def _label_tables(model: "onnx.ModelProto") -> Iterator[tuple[str, ...]]:
    """Initializers that ArrayFeatureExtractor turns an argmax into a label with, as skl2onnx writes them."""
    from onnx import numpy_helper

    tables = {tensor.name: tensor for tensor in model.graph.initializer}
    makers = producers(model)
    for node in model.graph.node:
        if node.op_type != "ArrayFeatureExtractor" or node.input[0] not in tables:
            continue
        chosen = makers.get(node.input[1])
        if chosen is not None and chosen.op_type == "ArgMax":
            values = numpy_helper.to_array(tables[node.input[0]]).ravel().tolist()
            yield tuple(v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in values)


def zipmaps(model: "onnx.ModelProto") -> dict[str, tuple[str, ...]]:
    """Values that are a ZipMap's (a dict per row), by themselves or passed on by Identity → its classes."""
    found: dict[str, tuple[str, ...]] = {}
    for node in model.graph.node:
        if node.op_type == "ZipMap" and node.domain == "ai.onnx.ml":
            found[node.output[0]] = class_labels(node)
        elif node.op_type == "Identity" and node.input[0] in found:
            found[node.output[0]] = found[node.input[0]]
    return found


def cut_zipmaps(model: "onnx.ModelProto") -> "onnx.ModelProto":
    """A copy whose ZipMap outputs are plain float [N, K] under the same names: no dict per row is ever made.

    ModelRefused where a node of the graph itself works on the dicts.
    """
    import onnx

    cut = onnx.ModelProto()
    cut.CopyFrom(model)
    classes = zipmaps(cut)
    for node in cut.graph.node:
        if node.op_type == "ZipMap":
            plain = onnx.helper.make_node("Identity", list(node.input), list(node.output), node.name)
            node.CopyFrom(plain)
        elif node.op_type != "Identity" and any(name in classes for name in node.input):
            raise _dicts_inside(node)
    for output in cut.graph.output:
        if output.name in classes:
            shape = [None, len(classes[output.name])]
            output.CopyFrom(onnx.helper.make_tensor_value_info(output.name, onnx.TensorProto.FLOAT, shape))
    declared = [value for value in cut.graph.value_info if value.name not in classes]
    del cut.graph.value_info[:]
    cut.graph.value_info.extend(declared)
    return cut


def _dicts_inside(node: "onnx.NodeProto") -> ModelRefused:
    return ModelRefused(
        "the model works on the dicts of a ZipMap inside its graph",
        expected="a ZipMap whose dicts are an output of the model",
        got=f"the operator {node.op_type} behind it",
        remedy="export the model with plain tensors (skl2onnx: zipmap=False)",
    )


def feature_names(model: "onnx.ModelProto") -> tuple[str, ...]:
    """``feature_names`` of the metadata: a JSON list, or names separated by commas."""
    import json

    text = next((entry.value for entry in model.metadata_props if entry.key == "feature_names"), "").strip()
    if not text.startswith("["):
        return tuple(name.strip() for name in text.split(",")) if text else ()
    try:
        names = json.loads(text)
    except ValueError:
        names = None
    if not isinstance(names, list):
        raise ModelRefused(
            "the model's metadata cannot be read",
            expected="feature_names as a JSON list or separated by commas",
            got=text[:60],
            remedy="write the metadata again, or list the features in model.yaml",
        )
    return tuple(str(name) for name in names)
