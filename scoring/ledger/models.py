"""The registry: names, their versions, and aliases of versions."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from sqlalchemy import func, insert, select, update

from scoring.core.errors import NotFound
from scoring.ledger.clock import now_us
from scoring.ledger.database import Tx, insert_or_nothing
from scoring.ledger.job_rows import version_of
from scoring.ledger.records import ModelVersion
from scoring.ledger.tables import model_aliases, model_versions, models

SHOWN = 10
"""Versions and aliases that a message names."""


def register(
    tx: Tx,
    *,
    name: str,
    sha256: str,
    path: str,
    signature: Mapping[str, Any],
    spec: Mapping[str, Any] | None = None,
) -> ModelVersion:
    """Nothing → the next version of `name`; the version that has this file and spec already, where there is one.

    path: of the copy, relative to the store. signature, spec: JSON as scoring.model writes it.
    """
    content = dict(spec or {})
    spec_sha256 = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    tx.execute(insert_or_nothing(tx, models).values(name=name, created_at=now_us()))
    # Versions of one name are numbered one after the other.
    tx.execute(select(models.c.name).where(models.c.name == name).with_for_update(key_share=True))
    same = select(model_versions).where(
        model_versions.c.name == name,
        model_versions.c.sha256 == sha256,
        model_versions.c.spec_sha256 == spec_sha256,
    )
    row = tx.execute(same).one_or_none()
    if row is None:
        last = select(func.coalesce(func.max(model_versions.c.version), 0)).where(model_versions.c.name == name)
        tx.execute(
            insert(model_versions).values(
                name=name,
                version=int(tx.execute(last).scalar_one()) + 1,
                sha256=sha256,
                spec_sha256=spec_sha256,
                path=path,
                signature=dict(signature),
                spec=content,
                created_at=now_us(),
            )
        )
        row = tx.execute(same).one()
    return version_of(row)


def find_model(tx: Tx, ref: str) -> ModelVersion:
    """`name` (its newest version), `name:3` or `name@alias`. Raises NotFound."""
    name, alias, version = _parse(ref)
    query = select(model_versions).where(model_versions.c.name == name)
    if alias is not None:
        named = select(model_aliases.c.version).where(model_aliases.c.name == name, model_aliases.c.alias == alias)
        query = query.where(model_versions.c.version == named.scalar_subquery())
    elif version is not None:
        query = query.where(model_versions.c.version == version)
    row = tx.execute(query.order_by(model_versions.c.version.desc()).limit(1)).one_or_none()
    if row is None:
        raise _unknown(tx, ref, name)
    return version_of(row, aliases=_aliases(tx, name)[name, row.version])


def list_models(tx: Tx, name: str | None = None) -> list[ModelVersion]:
    """All versions, by name, the newest first."""
    query = select(model_versions).order_by(model_versions.c.name, model_versions.c.version.desc())
    if name is not None:
        query = query.where(model_versions.c.name == name)
    aliases = _aliases(tx, name)
    return [version_of(row, aliases=aliases[row.name, row.version]) for row in tx.execute(query)]


def set_alias(tx: Tx, name: str, alias: str, version: int) -> None:
    """Make `name@alias` mean this version from now on. Raises NotFound."""
    find_model(tx, f"{name}:{version}")
    own = (model_aliases.c.name == name) & (model_aliases.c.alias == alias)
    if tx.execute(update(model_aliases).where(own).values(version=version)).rowcount == 0:
        tx.execute(insert(model_aliases).values(name=name, alias=alias, version=version))


def _parse(ref: str) -> tuple[str, str | None, int | None]:
    name, at, alias = ref.partition("@")
    if at:
        return name, alias, None
    name, colon, version = ref.partition(":")
    if colon and version.isdecimal():
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


def _unknown(tx: Tx, ref: str, name: str) -> NotFound:
    names = list(tx.scalars(select(models.c.name)))
    if name in names:
        return _unknown_version(tx, ref, name)
    close = get_close_matches(name, names, n=1)
    return NotFound(
        f"no model {ref}",
        expected="the name of a registered model, or the path of an .onnx file",
        got=ref,
        remedy=f"did you mean {close[0]}?" if close else "`scoring model list` names them",
    )


def _unknown_version(tx: Tx, ref: str, name: str) -> NotFound:
    found = list_models(tx, name)
    versions = [f"{name}:{version.version}" for version in found]
    aliases = sorted(f"{name}@{alias}" for version in found for alias in version.aliases)
    close = get_close_matches(ref, aliases, n=1)
    there_are = f"there are {_shown(versions)}, and {_shown(aliases) or 'no alias'}"
    return NotFound(
        f"no model {ref}",
        expected="a version or an alias that the model has",
        got=ref,
        remedy=f"did you mean {close[0]}? {there_are}" if close else there_are,
    )


def _shown(refs: Sequence[str]) -> str:
    more = f" and {len(refs) - SHOWN} more" if len(refs) > SHOWN else ""
    return ", ".join(refs[:SHOWN]) + more
