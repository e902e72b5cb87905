"""The registry: names, their versions, and aliases of versions."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, insert, null, select, update

from scoring.core.errors import NotFound, UsageError
from scoring.ledger import row_locks
from scoring.ledger.clock import now_us
from scoring.ledger.database import Tx, insert_or_nothing
from scoring.ledger.job_rows import version_of
from scoring.ledger.records import ModelVersion, NewVersion
from scoring.ledger.tables import model_aliases, model_versions, models

SHOWN = 10
"""Versions, aliases or users that a message names."""

LONGEST_NUMBER = 9
"""Digits of a version: an integer of the ledger has room for these."""

_LIVING = model_versions.c.removed_at.is_(None)


def lock_files(tx: Tx) -> None:
    """Until the end of the transaction nobody else names files of models, or clears away those without a name."""
    row_locks.take(tx, "model-files")


def register(tx: Tx, new: NewVersion) -> ModelVersion:
    """Nothing → the next version of the name; the version that has this content already, where there is one.

    A version that was removed comes back. The caller has `lock_files`, and has seen that the files are there.
    """
    tx.execute(insert_or_nothing(tx, models).values(name=new.name, created_at=now_us()))
    # Versions of one name are numbered one after the other.
    tx.execute(select(models.c.name).where(models.c.name == new.name).with_for_update(key_share=True))
    spec_sha256 = _digest(new)
    own = (model_versions.c.name == new.name) & (model_versions.c.sha256 == new.sha256)
    known = tx.execute(select(model_versions).where(own, model_versions.c.spec_sha256 == spec_sha256)).one_or_none()
    if known is None:
        return _inserted(tx, new, spec_sha256)
    kept = {"removed_at": null(), **_stored_again(new, known)}
    tx.execute(update(model_versions).where(model_versions.c.id == known.id).values(kept))
    return version_by_id(tx, known.id)


def remove(tx: Tx, versions: Sequence[ModelVersion]) -> None:
    """In use → removed: no reference finds it any more; rows and figures of its jobs stay. Its references go.

    The caller holds the versions with `lock`, and has seen that nothing uses them.
    """
    gone = model_versions.c.id.in_([version.id for version in versions])
    tx.execute(update(model_versions).where(gone).values(removed_at=now_us(), parity=null(), baseline=null()))


def lock(tx: Tx, versions: Sequence[ModelVersion]) -> None:
    """Hold the rows: no job and no alias comes to use them meanwhile."""
    ids = [version.id for version in versions]
    held = select(model_versions.c.id).where(model_versions.c.id.in_(ids)).order_by(model_versions.c.id)
    tx.execute(held.with_for_update())


def hold(tx: Tx, version_id: int) -> None:
    """Keep a version from being removed until the transaction ends. Raises NotFound where it was removed."""
    own = select(model_versions).where(model_versions.c.id == version_id)
    # The weakest lock that `lock` waits for: other changes of the row go on.
    row = tx.execute(own.with_for_update(read=True, key_share=True)).one_or_none()
    if row is None or row.removed_at is not None:
        raise NotFound(
            "the model was removed meanwhile",
            expected="a version that is registered",
            got="none" if row is None else f"{row.name}:{row.version}",
            remedy="register it again",
        )


def version_by_id(tx: Tx, version_id: int) -> ModelVersion:
    """The version, removed or not."""
    row = tx.execute(select(model_versions).where(model_versions.c.id == version_id)).one()
    return _version(tx, row)


def with_content(tx: Tx, sha256: str) -> list[ModelVersion]:
    """Versions in use of a file with this digest, under whatever name."""
    query = select(model_versions).where(model_versions.c.sha256 == sha256, _LIVING)
    return [version_of(row) for row in tx.execute(query.order_by(model_versions.c.id))]


def find_model(tx: Tx, ref: str) -> ModelVersion:
    """`name` (its newest version), `name:3` or `name@alias`. Raises NotFound."""
    name, alias, version = _parse(ref)
    query = select(model_versions).where(model_versions.c.name == name, _LIVING)
    if alias is not None:
        named = select(model_aliases.c.version).where(model_aliases.c.name == name, model_aliases.c.alias == alias)
        query = query.where(model_versions.c.version == named.scalar_subquery())
    elif version is not None:
        query = query.where(model_versions.c.version == version)
    row = tx.execute(query.order_by(model_versions.c.version.desc()).limit(1)).one_or_none()
    if row is None:
        raise _unknown(tx, ref)
    return _version(tx, row)


def find_versions(tx: Tx, ref: str) -> list[ModelVersion]:
    """`name:3`, or all versions of `name`, the newest first. Raises NotFound; UsageError for an alias."""
    name, alias, version = _parse(ref)
    if alias is not None:
        raise UsageError(
            "an alias names a version for a while",
            expected="NAME:VERSION, or NAME for all versions",
            got=ref,
            remedy=f"give {name}:{find_model(tx, ref).version}",
        )
    found = [find_model(tx, ref)] if version is not None else list_models(tx, name)
    if not found:
        raise _unknown(tx, ref)
    return found


def name_in(ref: str) -> str:
    """The name in `name`, `name:3` or `name@alias`."""
    return _parse(ref)[0]


def list_models(tx: Tx, name: str | None = None) -> list[ModelVersion]:
    """All versions in use, by name, the newest first."""
    query = select(model_versions).where(_LIVING).order_by(model_versions.c.name, model_versions.c.version.desc())
    if name is not None:
        query = query.where(model_versions.c.name == name)
    aliases = _aliases(tx, name)
    return [version_of(row, aliases=aliases[row.name, row.version]) for row in tx.execute(query)]


def set_alias(tx: Tx, name: str, alias: str, version: int) -> None:
    """Make `name@alias` mean this version from now on. Raises NotFound."""
    hold(tx, find_model(tx, f"{name}:{version}").id)
    own = _named(name, alias)
    if tx.execute(update(model_aliases).where(own).values(version=version)).rowcount == 0:
        tx.execute(insert(model_aliases).values(name=name, alias=alias, version=version))


def drop_alias(tx: Tx, name: str, alias: str) -> ModelVersion:
    """`name@alias` → nothing; the version that it meant. Raises NotFound."""
    version = find_model(tx, f"{name}@{alias}")
    tx.execute(delete(model_aliases).where(_named(name, alias)))
    return version_by_id(tx, version.id)


def shown(refs: Sequence[str]) -> str:
    """The first of them, as a message names them."""
    more = f" and {len(refs) - SHOWN} more" if len(refs) > SHOWN else ""
    return ", ".join(refs[:SHOWN]) + more


def _inserted(tx: Tx, new: NewVersion, spec_sha256: str) -> ModelVersion:
    last = select(func.coalesce(func.max(model_versions.c.version), 0)).where(model_versions.c.name == new.name)
    made = insert(model_versions).values(
        name=new.name,
        version=int(tx.execute(last).scalar_one()) + 1,
        sha256=new.sha256,
        spec_sha256=spec_sha256,
        spec=dict(new.spec),
        created_at=now_us(),
        **_stored(new),
    )
    return version_of(tx.execute(made.returning(*model_versions.c)).one())


def _stored(new: NewVersion) -> dict[str, Any]:
    return {
        "path": new.path,
        "signature": dict(new.signature),
        "about": None if new.about is None else dict(new.about),
        "served_path": new.served_path,
        "served_sha256": new.served_sha256,
    }


def _stored_again(new: NewVersion, known: Row[Any]) -> dict[str, Any]:
    """Its files may have been written anew, and bear other names now. What it answers with was found before.

    Not in an earlier revision; nor is a copy that was removed always made anew to the byte, which the ledger's owner
    alone may record.
    """
    if known.about is None or known.served_sha256 != new.served_sha256:
        return _stored(new)
    return {"path": new.path, "served_path": new.served_path}


def _digest(new: NewVersion) -> str:
    """Of what a version is beside its file."""
    content = {**new.spec, **({"columns": list(new.columns)} if new.columns else {})}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _version(tx: Tx, row: Row[Any]) -> ModelVersion:
    return version_of(row, aliases=_aliases(tx, row.name)[row.name, row.version])


def _named(name: str, alias: str) -> ColumnElement[bool]:
    return (model_aliases.c.name == name) & (model_aliases.c.alias == alias)


def _parse(ref: str) -> tuple[str, str | None, int | None]:
    # What no database holds is in no name.
    ref = ref.encode("utf-8", "replace").decode().replace("\0", "?")
    name, at, alias = ref.partition("@")
    if at:
        return name, alias, None
    name, colon, version = ref.partition(":")
    if colon and version.isdecimal() and len(version) <= LONGEST_NUMBER:
        return name, None, int(version)
    return ref, None, None


def _aliases(tx: Tx, name: str | None) -> defaultdict[tuple[str, int], tuple[str, ...]]:
    query = select(model_aliases).order_by(model_aliases.c.alias)
    if name is not None:
        query = query.where(model_aliases.c.name == name)
    found: defaultdict[tuple[str, int], tuple[str, ...]] = defaultdict(tuple)
    for row in tx.execute(query):
        found[row.name, row.version] += (row.alias,)
    return found


def _unknown(tx: Tx, ref: str) -> NotFound:
    name, _, version = _parse(ref)
    names = list(tx.scalars(select(model_versions.c.name).where(_LIVING).distinct()))
    if name in names:
        return _unknown_version(tx, ref, name, version)
    close = get_close_matches(name, names, n=1)
    return NotFound(
        f"no model {ref}",
        expected="the name of a registered model, or the path of an .onnx file",
        got=f"{ref}, which was removed" if name in tx.scalars(select(models.c.name)).all() else ref,
        remedy=f"did you mean {close[0]}?" if close else "`scoring model list` names them",
    )


def _unknown_version(tx: Tx, ref: str, name: str, version: int | None) -> NotFound:
    found = list_models(tx, name)
    versions = [f"{name}:{version.version}" for version in found]
    aliases = sorted(f"{name}@{alias}" for version in found for alias in version.aliases)
    close = get_close_matches(ref, aliases, n=1)
    there_are = f"there are {shown(versions)}, and {shown(aliases) or 'no alias'}"
    own = (model_versions.c.name == name) & (model_versions.c.version == version)
    removed = tx.execute(select(model_versions.c.id).where(own)).one_or_none() is not None
    return NotFound(
        f"no model {ref}",
        expected="a version or an alias that the model has",
        got=f"{ref}, which was removed" if removed else ref,
        remedy=f"did you mean {close[0]}? {there_are}" if close else there_are,
    )
