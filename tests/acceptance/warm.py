"""The program without its start: a process that has imported everything forks once per command.

Each command is still a process of its own, with its own environment, folder, streams and exit code; what it lacks is
the half second of imports. Tests of signals, of start-up and of the installed scripts use `Program.start`.
"""

import importlib
import json
import os
import pkgutil
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, NoReturn

ROOT = Path(__file__).parent.parent.parent
MESSAGE_BYTES = 2**20


class WarmProgram:
    """Starts the process at the first command; it ends with the socket."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None

    def start(
        self, name: str, arguments: Sequence[str], folder: Path, settings: Mapping[str, str], streams: Sequence[IO[str]]
    ) -> "WarmCommand":
        """streams: stdin, stdout and stderr of the command."""
        if self._socket is None:
            self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            command = [sys.executable, "-m", "tests.acceptance.warm", str(theirs.fileno())]
            subprocess.Popen(command, cwd=ROOT, pass_fds=[theirs.fileno()])
            theirs.close()
        request = {"name": name, "arguments": list(arguments), "folder": str(folder), "settings": dict(settings)}
        socket.send_fds(self._socket, [json.dumps(request).encode()], [stream.fileno() for stream in streams])
        return WarmCommand(self._socket)


class WarmCommand:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def wait(self, timeout: float) -> int:
        """The exit code of the command. Raises TimeoutError."""
        self._connection.settimeout(timeout)
        answer = self._connection.recv(64)
        assert answer, "the warm process is gone"
        return int(answer)


def serve(connection: socket.socket) -> None:
    """One command after the other, until the tests have gone."""
    _import_all()
    while True:
        message, streams, _, _ = socket.recv_fds(connection, MESSAGE_BYTES, 3)
        if not message:
            return
        child = os.fork()
        if child == 0:
            connection.close()
            _command(json.loads(message), streams)
        for stream in streams:
            os.close(stream)
        _, status = os.waitpid(child, 0)
        connection.send(str(os.waitstatus_to_exitcode(status)).encode())


def _import_all() -> None:
    for name in (
        "pyarrow.dataset",
        "pyarrow.csv",
        "duckdb",
        "onnx",
        "onnxruntime",
        "alembic.command",
        "celery",
        "yaml",
    ):
        importlib.import_module(name)
    for package in ("scoring", "workers"):
        folder = importlib.import_module(package).__path__
        for module in pkgutil.walk_packages(folder, f"{package}."):
            importlib.import_module(module.name)


def _command(request: Mapping[str, object], streams: Sequence[int]) -> NoReturn:
    from scoring.cli import main

    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.chdir(str(request["folder"]))
    os.environ.update(request["settings"])  # type: ignore[call-overload]
    sys.argv = [str(request["name"]), *request["arguments"]]  # type: ignore[misc]
    code = 70
    try:
        (main.submit_job if request["name"] == "submit-job" else main.main)()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        os._exit(code)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as ours:
        serve(ours)
