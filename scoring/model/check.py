"""Whether a file may be served, asked once for each digest: the file's form, what it holds, and a trial run."""

import hashlib
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scoring.core.errors import InputMissing, ModelRefused
from scoring.core.opener import Opener
from scoring.model.signature import Signature

LARGEST_BYTES = 2**31 - 1
"""ONNX files are protobuf messages, which end there."""

RowShapes = Mapping[str, Sequence[int]]
"""Input → sizes of its axes after the rows."""


@dataclass(frozen=True, kw_only=True)
class CheckedModel:
    """A model that may be served."""

    signature: Signature
    # What the file says of itself: model.about.
    about: Mapping[str, Any]
    # The model to load in its place, such as one without ZipMap; None: the file itself.
    served: bytes | None


def read_model(path: Path, opener: Opener | None = None) -> tuple[bytes, str]:
    """The bytes of a model file and their SHA-256. InputMissing, or ModelRefused for what is no readable file.

    opener: as `open` takes it; whatever it raises beside OSError is passed on.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST_BYTES:
            raise _no_file(path, found.st_mode, found.st_size)
        with open(path, "rb", opener=opener) as file:  # Path has no opener
            data = file.read(LARGEST_BYTES + 1)
    except FileNotFoundError as error:
        raise InputMissing(f"no model at {path}", expected="an .onnx file", remedy="check the path") from error
    except OSError as error:
        raise ModelRefused(f"the model at {path} cannot be read", got=error.strerror or str(error)) from error
    return data, hashlib.sha256(data).hexdigest()


def check_model(data: bytes, path: Path, shapes: RowShapes) -> CheckedModel:
    """Check the bytes of a model whole. Raises ModelRefused, in words that name `path`.

    shapes: what the spec says of axes that the model leaves open.
    """
    try:
        return _check(data, shapes)
    except ModelRefused as refused:
        told = f"{path}: {refused.message}"
        raise ModelRefused(told, expected=refused.expected, got=refused.got, remedy=refused.remedy) from refused


def _check(data: bytes, shapes: RowShapes) -> CheckedModel:
    from scoring.model import graph, rules
    from scoring.model.about import about
    from scoring.model.signature import read_signature
    from scoring.model.trial import warm_up

    model = graph.parse(data)
    rules.refuse_custom_operators(model)
    rules.check_form(model)
    signature = read_signature(model)
    served = graph.cut_zipmaps(model).SerializeToString(deterministic=True) if signature.has_zipmap else None
    settled = warm_up(served or data, signature, shapes)
    return CheckedModel(signature=settled, about=about(model), served=served)


def _no_file(path: Path, mode: int, size: int) -> ModelRefused:
    is_folder = stat.S_ISDIR(mode)
    kind = "a folder" if is_folder else f"a file of {size:,} bytes" if stat.S_ISREG(mode) else "no regular file"
    return ModelRefused(
        f"{path} cannot be a model",
        expected=f"an .onnx file of at most {LARGEST_BYTES:,} bytes",
        got=kind,
        remedy="give the .onnx file inside it, or a model folder that MLflow wrote" if is_folder else "check the path",
    )
