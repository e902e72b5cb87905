"""MLflow model folders, read without mlflow: the file MLmodel names the .onnx file and its columns."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scoring.core.errors import InputMissing, ModelRefused
from scoring.core.opener import Opener

DESCRIPTION = "MLmodel"
LARGEST_BYTES = 4 * 2**20
"""Of the description: wide tables have long signatures, yet nothing near this."""

_FLAVOUR = "onnx"
_REMEDY = "log the model with mlflow.onnx.log_model, or give an .onnx file"


@dataclass(frozen=True, kw_only=True)
class ModelFolder:
    """What a folder that mlflow.onnx wrote holds for us."""

    # Inside the folder, by its real path.
    file: Path
    # Columns that the model was logged with, in their order; empty where MLmodel names none.
    columns: tuple[str, ...]


def read_folder(folder: Path, opener: Opener | None = None) -> ModelFolder:
    """Raises InputMissing where there is no MLmodel or no model file, ModelRefused for one of another flavour.

    opener: as `open` takes it.
    """
    description = _description(folder, opener)
    flavours = description.get("flavors")
    if not isinstance(flavours, dict) or not isinstance(flavours.get(_FLAVOUR), dict):
        raise ModelRefused(
            f"{folder} holds no ONNX model",
            expected="an MLflow model with the flavour onnx",
            got=f"flavours {_named(flavours)}",
            remedy=_REMEDY,
        )
    data = flavours[_FLAVOUR].get("data", "model.onnx")
    return ModelFolder(file=_inside(folder, data), columns=_columns(folder, description.get("signature")))


def _description(folder: Path, opener: Opener | None) -> Mapping[str, Any]:
    import yaml

    path = folder / DESCRIPTION
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise _unreadable(folder, f"{path.stat().st_size:,} bytes")
        with open(path, encoding="utf-8", opener=opener) as file:  # Path has no opener
            found = yaml.safe_load(file.read(LARGEST_BYTES))
    except FileNotFoundError as error:
        raise InputMissing(
            f"{folder} is no model folder",
            expected=f"an .onnx file, or a folder with a file {DESCRIPTION} as MLflow writes it",
            got=f"a folder without {DESCRIPTION}",
            remedy="give the .onnx file inside it",
        ) from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise _unreadable(folder, " ".join(str(error).split())[:200]) from error
    if not isinstance(found, dict):
        raise _unreadable(folder, type(found).__name__)
    return found


def _inside(folder: Path, data: object) -> Path:
    """The model file, which may be a link, but only to a place in the folder."""
    try:
        file = (folder / str(data)).resolve()
        is_file = file.is_file()
    except (OSError, ValueError, RuntimeError) as error:
        # A name that no disk takes, a link to itself.
        raise ModelRefused(
            f"{folder / DESCRIPTION} names no file",
            expected="a path inside the folder",
            got=f"{error}: {data!r}"[:200],
            remedy=_REMEDY,
        ) from error
    if not isinstance(data, str) or not file.is_relative_to(folder.resolve()):
        raise ModelRefused(
            f"{folder / DESCRIPTION} names a file outside of its folder",
            expected="a path inside the folder",
            got=repr(data)[:200],
            remedy=_REMEDY,
        )
    if not is_file:
        raise InputMissing(
            f"no model at {folder / data}", expected=f"the file that {DESCRIPTION} names", remedy=_REMEDY
        )
    return file


def _columns(folder: Path, signature: object) -> tuple[str, ...]:
    """Names of signature.inputs, where all of them are columns; a tensor has no column names."""
    text = signature.get("inputs") if isinstance(signature, dict) else None
    try:
        inputs = json.loads(text) if isinstance(text, str) else text or []
    except (ValueError, RecursionError):
        inputs = None
    if not isinstance(inputs, list) or not all(isinstance(entry, dict) for entry in inputs):
        raise ModelRefused(
            f"the signature in {folder / DESCRIPTION} cannot be read",
            expected="`inputs` as MLflow logs them: a list of columns or tensors, in JSON",
            got=repr(text)[:100],
            remedy="log the model again, or take the signature out and name the columns in model.yaml",
        )
    if any(entry.get("type") == "tensor" or not isinstance(entry.get("name"), str) for entry in inputs):
        return ()
    return tuple(entry["name"] for entry in inputs)


def _named(flavours: object) -> str:
    return ", ".join(sorted(map(str, flavours)))[:200] if isinstance(flavours, dict) and flavours else "none"


def _unreadable(folder: Path, got: str) -> ModelRefused:
    return ModelRefused(f"{folder / DESCRIPTION} cannot be read", expected="YAML as MLflow writes it", got=got)
