"""The file that an export writes: which one it may be, and how it becomes whole at once."""

import fcntl
import glob
import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO

from scoring.core.errors import InputRefused, OutputRefused, UsageError
from scoring.data.fingerprints import fingerprint
from scoring.data.outputs import holds_result
from scoring.data.storage import storage_faults, sync_folder


class ExportFormat(StrEnum):
    """By the extension of the name that the user gave."""

    CSV = ".csv"
    JSON_LINES = ".jsonl"
    PARQUET = ".parquet"


@dataclass(frozen=True, kw_only=True)
class ExportTarget:
    """A file that may be written; `export_target` makes it, and nobody else."""

    # The real one: where a link leads.
    path: Path
    format: ExportFormat

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """A file beside, which takes the name once it is whole; after an error it is gone. Raises StorageFault."""
        folder = self.path.parent
        with storage_faults(folder, then="export it again"):
            self._clear()
            temporary = folder / f".{self.path.name}.{uuid.uuid4().hex[:8]}.tmp"
            try:
                with _held(temporary) as file:
                    yield file
                    file.flush()
                    os.fsync(file.fileno())
                    temporary.replace(self.path)
                sync_folder(folder)
            finally:
                temporary.unlink(missing_ok=True)

    def _clear(self) -> None:
        """Remove what killed exports to this file have left. One that is at work holds the lock of its own."""
        for left in self.path.parent.glob(f".{glob.escape(self.path.name)}.{'[0-9a-f]' * 8}.tmp"):
            with suppress(OSError), left.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                left.unlink()


def export_target(path: Path, *, store: Path, sources: Iterable[str]) -> ExportTarget:
    """The file that an export to `path` writes, links followed.

    store: nothing of it is overwritten. sources: files that the rows come from. Raises UsageError for the name, and
    OutputRefused for what is no file, and for a file of a job, of the store, or of `sources`.
    """
    try:
        form = ExportFormat(path.suffix.lower())
    except ValueError:
        raise UsageError(
            f"cannot export to {path.name}",
            expected=" or ".join(ExportFormat),
            got=path.suffix or "no extension",
            remedy="end the name of the file with one of these",
        ) from None
    real = Path(os.path.realpath(path))
    if not real.parent.is_dir():
        raise UsageError(
            f"cannot export to {path}", expected="a folder", got="none", remedy=f"make {real.parent} first"
        )
    _require_file(path, real)
    for source in sources:
        if _same(real, source):
            raise _refused(f"{path} is a file that these rows come from", source)
    if real.is_relative_to(os.path.realpath(store)):
        raise _refused(f"{path} lies in the store", str(real))
    for folder in real.parents:
        if holds_result(folder):
            raise _refused(f"{path} lies among the files of a job", f"{real}, in the output {folder}")
    return ExportTarget(path=real, format=form)


def _require_file(path: Path, real: Path) -> None:
    if not os.path.lexists(real):
        return
    try:
        fingerprint(str(real))
    except InputRefused as error:
        raise OutputRefused(
            f"cannot export to {path}",
            expected="a regular file, or none yet",
            got=error.got,
            remedy="name another file",
        ) from None


def _same(real: Path, source: str) -> bool:
    try:
        return real.samefile(source)
    except OSError:  # one of them is not there
        return False


def _refused(message: str, got: str) -> OutputRefused:
    return OutputRefused(
        message, expected="a file that may be replaced", got=got, remedy="name a file in another folder"
    )


def _held(temporary: Path) -> IO[bytes]:
    """The file, new, under a lock that ends with this process, however that ends."""
    while True:
        file = temporary.open("wb")
        with suppress(OSError):  # where the disk knows no locks, nobody clears either
            fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()  # another export cleared it before it was locked
