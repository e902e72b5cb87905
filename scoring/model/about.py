"""What a model file says of itself, for people: nothing of it is relied upon."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import onnx

LONGEST = 200
"""Characters kept of each text: files carry whole licences and pickled settings."""

ENTRIES = 50
"""Metadata entries kept."""


def about(model: "onnx.ModelProto") -> dict[str, Any]:
    """producer, domain, model_version, doc, ir_version, opset {domain: version}, metadata {key: text, cut}."""
    entries = list(model.metadata_props)[:ENTRIES]
    return {
        "producer": _cut(f"{model.producer_name} {model.producer_version}".strip()),
        "domain": _cut(model.domain),
        "model_version": model.model_version,
        "doc": _cut(model.doc_string or model.graph.doc_string),
        "ir_version": model.ir_version,
        "opset": {_cut(opset.domain or "ai.onnx"): opset.version for opset in model.opset_import},
        "metadata": {_cut(entry.key): _cut(entry.value) for entry in entries},
    }


def _cut(text: str) -> str:
    # Postgres holds no NUL in a document; CatBoost writes its whole commit.
    text = " ".join(text.replace("\x00", "").split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
