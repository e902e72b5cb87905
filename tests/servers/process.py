"""A server as a process of this test run: start it, take it away in several ways, give it back."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

START_SECONDS = 60.0
STOP_SECONDS = 30.0


class ServerFailed(Exception):
    """A server did not start or did not stop; the message ends with its log."""


class LocalServer(ABC):
    """Port and data stay the same from start to start; `close` throws the data away."""

    name: str

    def __init__(self) -> None:
        self.folder = _folder()
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._reaper: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients reach it, password included."""

    @property
    @abstractmethod
    def version(self) -> str:
        """What the program said of itself."""

    @abstractmethod
    def _command(self) -> list[str]:
        """The command line, to stay in the foreground."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether it serves a client now."""

    # The polite way to go for this kind of server.
    stop_signal = signal.SIGTERM

    @property
    def log(self) -> str:
        """What the server wrote so far."""
        path = self.folder / "server.log"
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def pid(self) -> int:
        if self._process is None:
            raise ServerFailed(f"{self.name} is not running")
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Return once it answers; the same port and data as before."""
        with (self.folder / "server.log").open("ab") as log:
            self._process = self._spawn(self._command(), stdout=log, stderr=log, cwd=self.folder)
        self._reaper = _reap_with_us(self._process.pid, self.folder)
        wait_until(self._ready, START_SECONDS, lambda: f"{self.name} did not start:\n{self.log[-2_000:]}")

    def stop(self) -> None:
        """As an administrator does: clients are cut off, what is written stays."""
        self._end(self.stop_signal)

    def kill(self) -> None:
        """As a power cut does."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def pause(self) -> None:
        """Half-open: connections stay, nothing answers."""
        os.killpg(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.killpg(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """Stop it at once and throw the data away; safe to call twice."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _ready(self) -> bool:
        if not self.running:
            raise ServerFailed(f"{self.name} ended while starting:\n{self.log[-2_000:]}")
        return self._answers()

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGCONT)  # a paused server cannot hear anything but KILL
            if how is signal.SIGKILL:
                os.killpg(process.pid, how)
            else:
                process.send_signal(how)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired as error:
            os.killpg(process.pid, signal.SIGKILL)
            raise ServerFailed(f"{self.name} did not stop:\n{self.log[-2_000:]}") from error
        finally:
            self._dismiss_reaper()

    def _dismiss_reaper(self) -> None:
        if self._reaper is not None:
            self._reaper.kill()
            self._reaper.communicate()
            self._reaper = None

    def _spawn(self, command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C in the terminal is for the test run, which then stops its servers.
        return subprocess.Popen(command, start_new_session=True, **as_server_user(), **options)


def as_server_user() -> dict[str, Any]:
    """Options of a subprocess that must not run as root: Postgres refuses to, and no test server needs to."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_until(condition: Callable[[], bool], seconds: float, message: Callable[[], str]) -> None:
    """Poll until `condition` holds; raise ServerFailed with `message` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise ServerFailed(message())
        time.sleep(0.02)


def _folder() -> Path:
    """A folder that the server's user owns. Not under pytest's own, which only this user may enter."""
    for parent in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108 - a fresh private folder is made inside
        if _reachable(Path(parent)):
            break
    folder = Path(tempfile.mkdtemp(prefix="scoring-server-", dir=parent))
    hand_over(folder)
    return folder


def hand_over(path: Path) -> None:
    """Give a file, or a folder with all that it holds, to the user that the servers run as."""
    user = as_server_user()
    if not user:
        return
    for each in (path, *path.rglob("*")):
        os.chown(each, user["user"], user["group"], follow_symlinks=False)


def _reachable(folder: Path) -> bool:
    """Whether the servers' user can enter it."""
    if os.geteuid() != 0:
        return os.access(folder, os.W_OK | os.X_OK)
    return all(path.stat().st_mode & 0o001 for path in (folder, *folder.resolve().parents))


def _reap_with_us(pid: int, folder: Path) -> subprocess.Popen[bytes]:
    """When this process ends, however it ends, its pipe closes: then kill the server's group and remove its data."""
    script = 'cat >/dev/null; kill -9 -"$0"; rm -rf "$1"'
    command = ["sh", "-c", script, str(pid), str(folder)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
