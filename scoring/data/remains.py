"""What a job has left on disk: counted first, so that a dry run and the real one say the same."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scoring.data.delta_log import DELTA_LOG, log_owner
from scoring.data.outputs import files_of, remove_files, torn_files
from scoring.data.parts import STAGING, remove_empty
from scoring.data.storage import storage_faults

TORN_SECONDS = 900.0
"""A manifest is written within a moment: one that has not come to its name for so long never will."""


@dataclass(frozen=True, kw_only=True)
class Remains:
    """Files that go together."""

    output: Path | None = None
    # Under the output, relative to it.
    names: tuple[str, ...] = ()
    # That go whole: chunk files, labels.
    folders: tuple[Path, ...] = ()

    def sizes(self) -> list[int]:
        """Bytes of each file."""
        named = [self.output / name for name in self.names] if self.output is not None else []
        inner = (path for folder in self.folders for path in files_in(folder))
        return [path.stat().st_size for path in (*named, *inner) if path.exists()]

    def remove(self) -> None:
        """Doing it again changes nothing. Raises StorageFault."""
        if self.output is not None:
            with storage_faults(self.output, then="`scoring gc`"):
                remove_files(self.output, self.names)
                if self.output.is_dir() and not any(self.output.iterdir()):
                    self.output.rmdir()
        for folder in self.folders:
            with storage_faults(folder, then="`scoring gc`"):
                if folder.is_dir():
                    shutil.rmtree(folder)
                if folder.parent.name == STAGING:
                    remove_empty(folder.parent)


def in_sight(output: Path) -> bool:
    """False where not even the folder around it is here: another host may have it."""
    return output.is_dir() or output.parent.is_dir()


def users_table(output: Path) -> bool:
    """True where the output is a Delta table to which no job has committed last."""
    return (output / DELTA_LOG).is_dir() and log_owner(output) is None


def result_remains(output: Path, job_id: str, *folders: Path) -> Remains:
    """The result as far as it is still the job's, and these folders."""
    names = [] if users_table(output) else [*files_of(output, job_id), *_torn(output)]
    return Remains(output=output, names=tuple(names), folders=tuple(folder for folder in folders if folder.is_dir()))


def _torn(output: Path) -> list[str]:
    """Of a writer that is dead: the folder may have gone over to a job that writes its manifest just now."""
    names = torn_files(output)
    before = file_clock(output) - TORN_SECONDS if names else 0.0
    return [name for name in names if _is_older(output / name, before)]


def _is_older(path: Path, before: float) -> bool:
    try:
        return path.lstat().st_mtime < before
    except FileNotFoundError:
        return False


def staged_remains(output: Path, job_id: str) -> Remains:
    """What attempts that did not win have left."""
    return folder_remains(output / STAGING / job_id)


def folder_remains(folder: Path | None) -> Remains:
    """The folder, where it is there."""
    return Remains(folders=(folder,) if folder is not None and folder.is_dir() else ())


def files_in(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent) / name for name in names)


def file_clock(folder: Path) -> float:
    """The time now, in seconds since 1970, by the clock that dates the files there: a file server may have its own.

    Raises StorageFault where no file can be made in the folder.
    """
    with storage_faults(folder, then="`scoring gc`"), tempfile.TemporaryFile(dir=folder) as probe:
        return os.fstat(probe.fileno()).st_mtime


def touched(folder: Path) -> float:
    """When something in the folder last changed, in seconds since 1970."""
    return max(path.lstat().st_mtime for path in (folder, *files_in(folder)))
