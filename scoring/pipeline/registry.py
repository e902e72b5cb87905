"""The registry's verbs: register, add with its proofs and alias, remove."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from scoring.core.errors import InputChanged, ScoringError, UsageError
from scoring.data.storage import copy_hashed, keep_bytes, storage_faults
from scoring.ledger import model_uses, models
from scoring.ledger.database import Tx
from scoring.ledger.records import ModelVersion, NewVersion
from scoring.pipeline.context import Context
from scoring.pipeline.model_files import FoundModel, ModelFile

SHOWN = 10
"""Users of a model that a message names."""


@dataclass(frozen=True, kw_only=True)
class Proofs:
    """What a version must show before it is in use."""

    # Reference rows with the answers to expect, and how far these may be missed; None: the default.
    parity: Path | None = None
    tolerance: float | None = None
    # Rows that later batches are compared with.
    baseline: Path | None = None

    @property
    def asked_for(self) -> bool:
        return any(given is not None for given in (self.parity, self.tolerance, self.baseline))


def register(context: Context, model: FoundModel) -> ModelVersion:
    """Copy the file into the store while hashing it; the same bytes and spec are the same version.

    Raises InputChanged where the file is no longer the one that was checked.
    """
    return model.version or _recorded(context, model, _file_of(model), hidden=False)


def add(context: Context, model: FoundModel, proofs: Proofs, alias: str | None = None) -> ModelVersion:
    """Register the model once it has passed its proofs, and name it; one that does not pass is left unregistered.

    Raises ModelRefused and InputRefused as the proofs do.
    """
    version = _recorded(context, model, _file_of(model), hidden=proofs.asked_for)
    if proofs.asked_for:
        _prove(context, version, proofs)

    def use(tx: Tx) -> ModelVersion:
        used = models.bring_back(tx, version.id)
        if alias is not None:
            models.set_alias(tx, used.name, alias, used.version)
        return models.version_by_id(tx, version.id)

    return context.ledger.run(use)


def remove(context: Context, reference: str) -> list[ModelVersion]:
    """Take `name:3`, or all versions of `name`, out of the registry, and their files out of the store.

    Raises NotFound, or UsageError that names what still uses them.
    """

    def take(tx: Tx) -> list[ModelVersion]:
        found = models.find_versions(tx, reference)
        models.lock(tx, found)
        if users := model_uses.users(tx, found):
            raise _in_use(reference, users)
        models.remove(tx, found)
        return found

    removed = context.ledger.run(take)
    _drop_files(context, removed)
    return removed


def _file_of(model: FoundModel) -> ModelFile:
    if model.file is None:
        raise UsageError("a model to register", expected="a file", got="none", remedy="give its path")
    return model.file


def _recorded(context: Context, model: FoundModel, file: ModelFile, *, hidden: bool) -> ModelVersion:
    store = context.settings.store
    sha256, copy = copy_hashed(file.path, store / "models")
    if sha256 != file.sha256:
        raise InputChanged(
            f"{file.path} was written to meanwhile",
            expected=f"sha256 {file.sha256}, which was checked",
            got=f"sha256 {sha256}",
            remedy="do it again once the file is whole",
        )
    served_sha256, served_path = _served(store, file, copy.name)
    new = NewVersion(
        name=model.name,
        sha256=sha256,
        path=str(copy.relative_to(store)),
        signature=model.signature.to_json(),
        spec=model.spec.to_json(),
        columns=file.columns,
        about=file.about,
        served_path=served_path,
        served_sha256=served_sha256,
    )
    return context.ledger.run(lambda tx: models.register(tx, new, hidden=hidden))


def _served(store: Path, file: ModelFile, name: str) -> tuple[str | None, str | None]:
    """Digest and path of the copy that is loaded in place of the file, where there is one."""
    if file.twin is not None:
        return file.twin.served_sha256, file.twin.served_path
    if file.served is None:
        return None, None
    sha256, path = keep_bytes(file.served, store / "models", name)
    return sha256, str(path.relative_to(store))


def _prove(context: Context, version: ModelVersion, proofs: Proofs) -> None:
    from scoring.pipeline.parity import attach  # loads the model, which a plain registration does in a child only

    try:
        attach(context, version, parity=proofs.parity, tolerance=proofs.tolerance, baseline=proofs.baseline)
    except ScoringError:
        if context.ledger.look(lambda tx: models.is_removed(tx, version.id)):
            _drop_files(context, [version])
        raise


def _drop_files(context: Context, removed: Iterable[ModelVersion]) -> None:
    """Folders of the store that only these versions needed."""
    used = {Path(path).parent for path in context.ledger.look(model_uses.paths_in_use)}
    for version in removed:
        references = (reference.path for reference in (version.parity, version.baseline) if reference is not None)
        for path in (version.path, version.served_path, *references):
            if path is not None and Path(path).parent not in used:
                with storage_faults(context.settings.store, then="again"):
                    shutil.rmtree(context.settings.store / Path(path).parent, ignore_errors=True)


def _in_use(reference: str, users: list[str]) -> UsageError:
    more = f" and {len(users) - SHOWN} more" if len(users) > SHOWN else ""
    return UsageError(
        f"model {reference} is in use",
        expected="no live job, schedule or alias that needs it",
        got=", ".join(users[:SHOWN]) + more,
        remedy="let these end or take another version: `scoring model alias` moves an alias, or drops it with --drop",
    )
