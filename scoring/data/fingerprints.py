"""Is the file still the one that was seen at submit?"""

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from scoring.core.chunks import Fingerprint
from scoring.core.errors import InputChanged, InputMissing, InputNotVisible, InputRefused
from scoring.data.roots import opener_within


def fingerprint(path: str, roots: Sequence[str] = ()) -> Fingerprint:
    """Raises InputMissing, or InputRefused for what is no regular file (a FIFO would block for ever).

    roots: folders of which one must hold the very file that is looked at; empty: no restriction.
    """
    try:
        found = Path(path).stat()
    except (FileNotFoundError, NotADirectoryError):
        raise InputMissing(f"no such file: {path}", remedy="check the path") from None
    except OSError as error:
        raise InputRefused(f"cannot read {path}", got=str(error.strerror), remedy="check its permissions") from None
    if not stat.S_ISREG(found.st_mode):
        raise InputRefused(
            f"{path} cannot be read",
            expected="a regular file",
            got=_kind(found.st_mode),
            remedy="write its content to a file first",
        )
    return _fingerprint(path, _stat_within(path, roots) if roots else found)


def _stat_within(path: str, roots: Sequence[str]) -> os.stat_result:
    """Of the open file: by its path another one may be found than the one whose folder was checked."""
    try:
        descriptor = opener_within(roots)(path, os.O_RDONLY)
    except OSError as error:
        raise InputRefused(f"cannot read {path}", got=str(error.strerror), remedy="check its permissions") from None
    try:
        return os.fstat(descriptor)
    finally:
        os.close(descriptor)


def check_opened(descriptor: int, seen: Fingerprint) -> None:
    """Raises InputChanged where the open file is not the one that was seen: its path leads to another one by now."""
    _check_same(seen, _fingerprint(seen.path, os.fstat(descriptor)))


def check_unchanged(seen: Fingerprint) -> None:
    """Raises InputChanged where size, time or inode differ; InputMissing or InputNotVisible where it is gone.

    A file whose folder is not here either is one that this host does not see; with the folder in sight it was removed.
    """
    try:
        now = fingerprint(seen.path)
    except InputMissing:
        if not Path(seen.path).parent.is_dir():
            raise InputNotVisible(
                f"this host does not see {seen.path}", remedy="mount its folder here, or run workers where it is"
            ) from None
        raise
    _check_same(seen, now)


def _fingerprint(path: str, found: os.stat_result) -> Fingerprint:
    return Fingerprint(path=path, size=found.st_size, mtime_ns=found.st_mtime_ns, inode=found.st_ino)


def _check_same(seen: Fingerprint, now: Fingerprint) -> None:
    if now != seen:
        differs = [name for name in ("size", "mtime_ns", "inode") if getattr(now, name) != getattr(seen, name)]
        raise InputChanged(
            f"{seen.path} changed while the job was reading it",
            expected=", ".join(f"{name} {getattr(seen, name)}" for name in differs),
            got=", ".join(f"{name} {getattr(now, name)}" for name in differs),
            remedy="submit the job again once the file is complete",
        )


def _kind(mode: int) -> str:
    names = {
        stat.S_IFDIR: "a directory",
        stat.S_IFIFO: "a FIFO",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return names.get(stat.S_IFMT(mode), "something else")
