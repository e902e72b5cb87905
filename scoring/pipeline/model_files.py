"""What a MODEL argument means: a registered version, or a file that was checked and may be registered."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scoring.core.errors import InputMissing, InputRefused
from scoring.data.inputs import check_roots
from scoring.ledger import models
from scoring.ledger.records import ModelVersion
from scoring.model.axes import check_axes
from scoring.model.check import CheckedModel, check_model, read_model
from scoring.model.mlflow import read_folder
from scoring.model.signature import Signature
from scoring.model.spec import ModelSpec, load_spec
from scoring.pipeline.context import Context

SPEC_NAME = "model.yaml"

COLUMNS = "columns"
"""Key in `about` of the column names that were found beside the file: they are no part of it."""

_REGISTRIES = ("models:", "runs:", "mlflow-artifacts:")


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    """A checked file that may become a version."""

    path: Path
    sha256: str
    about: Mapping[str, Any]
    # The copy to load in its place; None: the file itself.
    served: bytes | None = None
    # A version of another name or spec that has this digest: its copies in the store are good for this one too.
    twin: ModelVersion | None = None
    # Names of the columns that an MLmodel beside the file gives; empty where the model itself names some.
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FoundModel:
    """A model that can be bound: a version, or a file that is not registered (yet)."""

    name: str
    signature: Signature
    spec: ModelSpec
    version: ModelVersion | None = None
    file: ModelFile | None = None


def is_path(model: str, *, may_be_here: bool = True) -> bool:
    """A separator, the extension, or a file of that name make it a path (CONTRACT section 9)."""
    return "/" in model or model.endswith(".onnx") or (may_be_here and Path(model).exists())


def find_model(context: Context, model: str, spec: str | None, *, may_be_here: bool = True) -> FoundModel:
    """A registered model by name, or a file that need not be registered.

    may_be_here: a file of that name in the working folder is meant before a registered model. A file of a digest that
    no version has is checked whole, trial run included. Raises NotFound, InputMissing, ModelRefused.
    """
    if is_path(model, may_be_here=may_be_here):
        return find_file(context, model, spec)
    version = context.ledger.run(lambda tx: models.find_model(tx, model))
    own = load_spec(Path(spec)) if spec else ModelSpec.from_json(version.spec)
    return FoundModel(name=version.name, signature=Signature.from_json(version.signature), spec=own, version=version)


def find_file(context: Context, model: str, spec: str | None) -> FoundModel:
    """The model in an .onnx file or an MLflow folder. Raises as `find_model`."""
    _refuse_uri(model)
    given = Path(model).absolute()
    if not given.exists():
        raise InputMissing(
            f"no model at {model}",
            expected="an .onnx file or the name of a registered model",
            got="no such file",
            remedy="check the path; `scoring model list` names the registered ones",
        )
    check_roots(str(given), _roots(context))
    path, columns = _onnx_file(given)
    check_roots(str(path), _roots(context))
    own = load_spec(_spec_of(given, spec))
    signature, file = _checked(context, path, columns, own)
    check_axes(signature, own)
    return FoundModel(name=model_name(given), signature=signature, spec=own, file=file)


def model_name(file: Path) -> str:
    """The name under which a file is registered: its stem, lower case, other characters `_`."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in file.stem.lower()) or "model"


def _checked(context: Context, path: Path, columns: tuple[str, ...], spec: ModelSpec) -> tuple[Signature, ModelFile]:
    """columns: what an MLmodel calls the columns, or nothing."""
    data, sha256 = read_model(path)
    twin = _twin(context, sha256, spec)
    checked = check_model(data, path, spec.shapes) if twin is None else _as_checked(twin)
    signature, about = checked.signature, checked.about
    if columns and _fit(signature, columns):
        signature, about = replace(signature, feature_names=columns), {**about, COLUMNS: list(columns)}
    else:
        columns = ()
    file = ModelFile(path=path, sha256=sha256, about=about, served=checked.served, twin=twin, columns=columns)
    return signature, file


def _twin(context: Context, sha256: str, spec: ModelSpec) -> ModelVersion | None:
    """A version of this very file, which was checked at its registration; those of earlier revisions were not.

    Its outputs have these widths only where its inputs were given the same shapes.
    """
    versions = context.ledger.look(lambda tx: models.with_content(tx, sha256))
    checked = (version for version in versions if version.about is not None)
    return next((version for version in checked if ModelSpec.from_json(version.spec).shapes == spec.shapes), None)


def _as_checked(twin: ModelVersion) -> CheckedModel:
    signature, about = Signature.from_json(twin.signature), dict(twin.about or {})
    if about.pop(COLUMNS, None):
        signature = replace(signature, feature_names=())
    return CheckedModel(signature=signature, about=about, served=None)


def _fit(signature: Signature, columns: tuple[str, ...]) -> bool:
    """Whether they name the columns of the one matrix, and nothing in the model does."""
    return not signature.feature_names and [len(columns)] == [tensor.width for tensor in signature.inputs]


def _onnx_file(given: Path) -> tuple[Path, tuple[str, ...]]:
    if not given.is_dir():
        return given, ()
    folder = read_folder(given)
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


def _roots(context: Context) -> tuple[str, ...]:
    return tuple(str(root) for root in context.settings.input_roots)
