"""The registry's verbs: register, add with its proofs and alias, remove."""

from contextlib import suppress
from functools import partial

from scoring.core.errors import InputChanged, ScoringError, StorageFault, UsageError
from scoring.data.storage import copy_hashed, keep_bytes
from scoring.ledger import model_uses, models, proofs
from scoring.ledger.database import Tx
from scoring.ledger.records import Attachment, ModelVersion, NewVersion
from scoring.pipeline.context import Context
from scoring.pipeline.model_files import FoundModel, ModelFile, RegisteredModel
from scoring.pipeline.model_store import MODELS, drop_unnamed, write_if_kept
from scoring.pipeline.reference import ReferenceFiles

NO_REFERENCES = ReferenceFiles()


def register(context: Context, model: FoundModel) -> ModelVersion:
    """Copy the file into the store while hashing it; the same bytes and spec are the same version.

    Raises InputChanged where the file is no longer the one that was checked.
    """
    match model:
        case RegisteredModel(version=version):
            return version
        case ModelFile():
            return add(context, model)


def add(
    context: Context, file: ModelFile, references: ReferenceFiles = NO_REFERENCES, alias: str | None = None
) -> ModelVersion:
    """Register the model once it has passed its proofs, and name it; of one that does not pass nothing is left.

    Raises InputChanged as `register` does, ModelRefused and InputRefused as the proofs do.
    """
    while True:
        new = _copied(context, file)
        attachment = _proven(context, new, references)
        write = partial(_record, new=new, attachment=attachment, alias=alias)
        version = write_if_kept(context, (*new.files, *attachment.files), write)
        if version is not None:
            return version


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
    drop_unnamed(context, [path for version in removed for path in version.files])
    return removed


def _copied(context: Context, file: ModelFile) -> NewVersion:
    store = context.settings.store
    sha256, copy = copy_hashed(file.path, store / MODELS)
    if sha256 != file.sha256:
        raise InputChanged(
            f"{file.path} was written to meanwhile",
            expected=f"sha256 {file.sha256}, which was checked",
            got=f"sha256 {sha256}",
            remedy="do it again once the file is whole",
        )
    served_sha256, served = (None, None) if file.served is None else keep_bytes(file.served, store / MODELS, copy.name)
    return NewVersion(
        name=file.name,
        sha256=sha256,
        path=str(copy.relative_to(store)),
        signature=file.signature.to_json(),
        spec=file.spec.to_json(),
        columns=file.columns,
        about=file.about,
        served_path=None if served is None else str(served.relative_to(store)),
        served_sha256=served_sha256,
    )


def _proven(context: Context, new: NewVersion, references: ReferenceFiles) -> Attachment:
    if not references.given:
        return Attachment()
    from scoring.pipeline.parity import prove  # loads the model, which a plain registration does in a child only

    try:
        return prove(context, new, references)
    except ScoringError:
        # What cannot go now is left to `scoring gc`.
        with suppress(StorageFault):
            drop_unnamed(context, new.files)
        raise


def _record(tx: Tx, *, new: NewVersion, attachment: Attachment, alias: str | None) -> ModelVersion:
    version = models.register(tx, new)
    proofs.attach(tx, version.id, attachment)
    if alias is not None:
        models.set_alias(tx, version.name, alias, version.version)
    return models.version_by_id(tx, version.id)


def _in_use(reference: str, users: list[str]) -> UsageError:
    return UsageError(
        f"model {reference} is in use",
        expected="no live job, schedule or alias that needs it",
        got=models.shown(users),
        remedy="let these end or take another version: `scoring model alias` moves an alias, or drops it with --drop",
    )
