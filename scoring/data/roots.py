"""The folders that a deployment allows, asked of the file that was opened: a path may lead elsewhere a moment later."""

import fcntl
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from scoring.core.errors import InputRefused
from scoring.core.opener import Opener

_DESCRIPTORS = Path("/proc/self/fd")
_PATH_BYTES = 1024


def under_roots(path: str, roots: Sequence[str]) -> bool:
    """True where the real path lies in one of the folders, or none is given."""
    return not roots or _lies_in(os.path.realpath(path), roots)


def check_roots(path: str, roots: Sequence[str], setting: str = "SCORING_INPUT_ROOTS") -> None:
    """Raises InputRefused where the path leads out of the folders that the setting names."""
    if not under_roots(path, roots):
        raise _outside(path, os.path.realpath(path), roots, setting)


def opener_within(roots: Sequence[str]) -> Opener:
    """Opens regular files that lie in these folders; none: any regular file. Never waits for a FIFO.

    It raises InputRefused besides what `os.open` raises.
    """

    def opened(path: str, flags: int) -> int:
        check_roots(path, roots)
        descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            _check_regular(path, descriptor)
            check_opened_within(path, descriptor, roots)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    return opened


def check_opened_within(path: str, descriptor: int, roots: Sequence[str]) -> None:
    """Raises InputRefused where the open file lies elsewhere: a link was turned between the check and the opening."""
    real = _place_of(path, descriptor)
    if roots and not _lies_in(real, roots):
        raise _outside(path, real, roots, "SCORING_INPUT_ROOTS")


def _lies_in(real: str, roots: Sequence[str]) -> bool:
    return any(Path(real).is_relative_to(os.path.realpath(root)) for root in roots)


def _place_of(path: str, descriptor: int) -> str:
    """Where the kernel has found the open file."""
    if hasattr(fcntl, "F_GETPATH"):  # macOS
        return os.fsdecode(fcntl.fcntl(descriptor, fcntl.F_GETPATH, bytes(_PATH_BYTES)).rstrip(b"\0"))
    if _DESCRIPTORS.is_dir():
        return str((_DESCRIPTORS / str(descriptor)).readlink())
    return os.path.realpath(path)


def _check_regular(path: str, descriptor: int) -> None:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise InputRefused(
            f"{path} cannot be read",
            expected="a regular file",
            got="another kind of file",
            remedy="write its content to a file first",
        )


def _outside(path: str, real: str, roots: Sequence[str], setting: str) -> InputRefused:
    return InputRefused(
        f"{path} lies outside the allowed folders",
        expected="a path under " + ", ".join(roots),
        got=real,
        remedy=f"move it there, or extend {setting}",
    )
