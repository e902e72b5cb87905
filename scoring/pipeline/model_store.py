"""Files of models in the store: what a row of the ledger names stays, what none names may go."""

import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from scoring.data.remains import files_in, touched
from scoring.data.storage import storage_faults
from scoring.ledger import model_uses, models
from scoring.ledger.database import Tx
from scoring.pipeline.context import Context

T = TypeVar("T")

MODELS = "models"
"""Folder of the store with one folder for each file, named by its digest."""


def write_if_kept(context: Context, paths: Sequence[str], write: Callable[[Tx], T]) -> T | None:
    """Write rows that name these files of the store; None, and nothing is written, where one was cleared away."""

    def write_or_not(tx: Tx) -> T | None:
        models.lock_files(tx)
        return write(tx) if all((context.settings.store / path).is_file() for path in paths) else None

    return context.ledger.run(write_or_not)


def drop_unnamed(context: Context, paths: Iterable[str]) -> None:
    """Remove the folders of these files, where no version in use names a file in them. Raises StorageFault."""
    for folder in sorted({(context.settings.store / path).parent for path in paths}):
        drop_if_unnamed(context, folder)


def drop_if_unnamed(context: Context, path: Path) -> None:
    """Remove one entry of the store's models. Doing it again changes nothing. Raises StorageFault."""
    context.ledger.run(partial(_drop, context, path))


def unnamed(context: Context, before: float) -> list[Path]:
    """Entries of the store's models that no version in use names, last touched before then (seconds since 1970)."""
    folder = context.settings.store / MODELS
    if not folder.is_dir():
        return []
    named = context.ledger.look(partial(_named, context))
    return [path for path in sorted(folder.iterdir()) if path not in named and _untouched(path, before)]


def sizes(path: Path) -> list[int]:
    """Bytes of each file of an entry; none where another run has removed it."""
    with suppress(FileNotFoundError):
        return [file.stat().st_size for file in (files_in(path) if path.is_dir() else (path,))]
    return []


def _drop(context: Context, path: Path, tx: Tx) -> None:
    models.lock_files(tx)
    if path in _named(context, tx):
        return
    with storage_faults(path.parent, then="`scoring gc`"), suppress(FileNotFoundError):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _named(context: Context, tx: Tx) -> set[Path]:
    return {(context.settings.store / path).parent for path in model_uses.files_in_use(tx)}


def _untouched(path: Path, before: float) -> bool:
    # A file that is being copied may be gone under this name by now.
    with suppress(FileNotFoundError):
        return touched(path) < before
    return False
