"""What a MODEL argument means: a registered version, or a file that was checked and may be registered."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from scoring.core.errors import InputMissing, InputRefused, ModelRefused
from scoring.core.opener import Opener
from scoring.data.roots import check_roots, opener_within
from scoring.ledger import models
from scoring.ledger.records import ModelVersion
from scoring.model.axes import check_axes
from scoring.model.check import CheckedModel, check_model, read_model
from scoring.model.hints import listed
from scoring.model.mlflow import DESCRIPTION, read_folder
from scoring.model.signature import Signature
from scoring.model.spec import ModelSpec, load_spec
from scoring.pipeline.context import Context

SPEC_NAME = "model.yaml"

COLUMNS = "columns"
"""Key in `about` of the column names that were found beside the file: they are no part of it."""

_REGISTRIES = ("models:", "runs:", "mlflow-artifacts:")


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    """A checked file that can be bound, and may become a version."""

    name: str
    signature: Signature
    spec: ModelSpec
    path: Path
    sha256: str
    about: Mapping[str, Any]
    # The copy to load in its place; None: the file itself.
    served: bytes | None = None
    # Names of the columns that an MLmodel beside the file gives; empty where the model itself names some.
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RegisteredModel:
    """A version as it is bound: with its own spec, or with another."""

    version: ModelVersion
    signature: Signature
    spec: ModelSpec

    @property
    def name(self) -> str:
        return self.version.name


FoundModel: TypeAlias = RegisteredModel | ModelFile


def is_path(model: str, *, may_be_here: bool = True) -> bool:
    """A separator, the extension, or a file of that name make it a path (CONTRACT section 9)."""
    return "/" in model or model.endswith(".onnx") or (may_be_here and os.path.exists(model))  # noqa: PTH110 - Path.exists raises for a long name


def find_model(context: Context, model: str, spec: str | None, *, may_be_here: bool = True) -> FoundModel:
    """A registered model by name, or a file that need not be registered.

    may_be_here: a file of that name in the working folder is meant before a registered model. A file of a digest that
    no version has is checked whole, trial run included. Raises NotFound, InputMissing, ModelRefused.
    """
    if is_path(model, may_be_here=may_be_here):
        return find_file(context, model, spec)
    version = context.ledger.run(lambda tx: models.find_model(tx, model))
    opener = opener_within(context.settings.input_roots)
    own = load_spec(Path(spec), opener) if spec else ModelSpec.from_json(version.spec)
    return RegisteredModel(version=version, signature=Signature.from_json(version.signature), spec=own)


def find_file(context: Context, model: str, spec: str | None) -> ModelFile:
    """The model in an .onnx file or an MLflow folder. Raises as `find_model`."""
    _refuse_uri(model)
    given = Path(model).absolute()
    if not os.path.exists(given):  # noqa: PTH110
        raise InputMissing(
            f"no model at {model}",
            expected="an .onnx file or the name of a registered model",
            got="no such file",
            remedy="check the path; `scoring model list` names the registered ones",
        )
    opener = opener_within(context.settings.input_roots)
    check_roots(str(given), context.settings.input_roots)
    path, columns = _onnx_file(given, opener)
    own = load_spec(_spec_of(given, spec), opener)
    data, sha256 = read_model(path, opener)
    checked = _checked_before(context, sha256, own) or check_model(data, path, own.shapes)
    named = _with_columns(checked, columns, own)
    check_axes(named.signature, own)
    return ModelFile(
        name=model_name(given),
        signature=named.signature,
        spec=own,
        path=path,
        sha256=sha256,
        about=named.about,
        served=checked.served,
        columns=columns if named is not checked else (),
    )


def model_name(file: Path) -> str:
    """The name under which a file is registered: its stem, lower case, other characters `_`."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in file.stem.lower()) or "model"


def _checked_before(context: Context, sha256: str, spec: ModelSpec) -> CheckedModel | None:
    """What the registration of this very file has found, whatever the name; that of an earlier revision has not looked.

    Its outputs have these widths only where its inputs were given the same shapes.
    """
    versions = context.ledger.look(lambda tx: models.with_content(tx, sha256))
    checked = (version for version in versions if version.about is not None)
    alike = (version for version in checked if ModelSpec.from_json(version.spec).shapes == spec.shapes)
    return next(filter(None, (_as_checked(context, version) for version in alike)), None)


def _as_checked(context: Context, version: ModelVersion) -> CheckedModel | None:
    """None where the copy that is loaded in place of the file is damaged, or was removed by now."""
    served = None
    if version.served_path is not None:
        try:
            served, sha256 = read_model(context.settings.store / version.served_path)
        except InputRefused:
            return None
        if sha256 != version.served_sha256:
            return None
    signature, about = Signature.from_json(version.signature), dict(version.about or {})
    if about.pop(COLUMNS, None):
        signature = replace(signature, feature_names=())
    return CheckedModel(signature=signature, about=about, served=served)


def _with_columns(checked: CheckedModel, columns: tuple[str, ...], spec: ModelSpec) -> CheckedModel:
    """Named as an MLmodel names the columns of the one matrix, where nothing in the model does.

    ModelRefused where it names another number of them, and the spec names none.
    """
    signature = checked.signature
    widths = [tensor.width for tensor in signature.inputs]
    if signature.feature_names or not columns or len(widths) > 1:
        return checked
    if widths != [len(columns)]:
        # One column may hold a list, and an open axis has no number.
        if len(columns) > 1 and widths != [None] and not (spec.features or spec.inputs):
            raise _other_width(checked, columns)
        return checked
    named = replace(signature, feature_names=columns)
    return replace(checked, signature=named, about={**checked.about, COLUMNS: list(columns)})


def _other_width(checked: CheckedModel, columns: tuple[str, ...]) -> ModelRefused:
    tensor = checked.signature.inputs[0]
    return ModelRefused(
        f"the signature in {DESCRIPTION} does not fit the model's input {tensor.name!r}",
        expected=f"{tensor.width} columns, as many as the input takes",
        got=f"{len(columns)}: {listed(columns)}",
        remedy="name the columns in model.yaml, in the order of the input: `features: […]`",
    )


def _onnx_file(given: Path, opener: Opener) -> tuple[Path, tuple[str, ...]]:
    if not given.is_dir():
        return given, ()
    folder = read_folder(given, opener)
    return folder.file, folder.columns


def _spec_of(given: Path, spec: str | None) -> Path | None:
    """What was asked for, else model.yaml inside the folder or beside the model."""
    if spec is not None:
        return Path(spec)
    places = [given / SPEC_NAME] if given.is_dir() else []
    return next((place for place in (*places, given.with_name(SPEC_NAME)) if place.exists()), None)


def _refuse_uri(model: str) -> None:
    if "://" in model or model.startswith(_REGISTRIES):
        raise InputRefused(
            f"cannot read the model {model}",
            expected="an .onnx file, a model folder that MLflow wrote, or the name of a registered model",
            got="a URI",
            remedy="download it first, for example with `mlflow artifacts download`, and give the folder",
        )
