"""Disks of a few megabytes in a mount namespace of the test's own: fill them, give them room, make them read-only."""

import subprocess
from pathlib import Path
from types import TracebackType

from tests.acceptance.program import Program


class Disks:
    """What is mounted here only the processes of `program` see; the test itself looks at it by `seen`."""

    def __init__(self) -> None:
        """Raises OSError where the kernel gives no namespace to this user."""
        # It lives as long as its standard input, so as long as we do.
        command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", "echo ready; exec cat"]
        self._holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert self._holder.stdout is not None
        if not self._holder.stdout.readline():
            raise OSError(self._holder.communicate()[1].decode())
        self._enter = ["nsenter", f"--target={self._holder.pid}", "--user", "--mount", "--preserve-credentials"]

    def mount(self, folder: Path, *, kilobytes: int) -> Path:
        """An empty disk of this size at the folder, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        self._run("mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", folder)
        return folder

    def resize(self, folder: Path, *, kilobytes: int) -> None:
        self._run("mount", "-o", f"remount,size={kilobytes}k", folder)

    def protect(self, folder: Path) -> None:
        """Nobody can write there any more, root neither."""
        self._run("mount", "-o", "remount,ro", folder)

    def unprotect(self, folder: Path) -> None:
        self._run("mount", "-o", "remount,rw", folder)

    def unmount(self, folder: Path) -> None:
        """As if the cable was pulled: the files are gone with the disk."""
        self._run("umount", "--lazy", folder)

    def seen(self, path: Path) -> Path:
        """The path, as the processes on these disks see it."""
        return Path(f"/proc/{self._holder.pid}/root{path}")

    def program(self, folder: Path, **settings: str) -> Program:
        """The program in `folder`; each command is a process that sees the disks."""
        # The working folder that a process brings along is one of the old disks.
        return Program(folder, settings, before=[*self._enter, "env", f"--chdir={folder}"])

    def close(self) -> None:
        self._holder.communicate()

    def __enter__(self) -> "Disks":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, *command: object) -> None:
        subprocess.run([*self._enter, *map(str, command)], check=True, capture_output=True)
