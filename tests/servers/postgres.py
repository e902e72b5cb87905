"""A private Postgres server."""

import os
import secrets
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import psycopg

from tests.servers.binaries import Binaries, postgres_binaries
from tests.servers.process import LocalServer, ServerFailed, as_server_user, hand_over

# What is committed must outlive a killed server (so synchronous_commit stays on), but no power cut.
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "100",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "logging_collector": "off",
    "timezone": "Pacific/Chatham",  # far from UTC by an odd offset: a query that forgets the zone shows
}


class PostgresServer(LocalServer):
    """Made with an empty data folder; `create_database` gives each test its own."""

    name = "Postgres"
    # "fast": clients are cut off, a checkpoint is written. TERM would wait for every client to leave.
    stop_signal = signal.SIGINT

    def __init__(self, *, password: str | None = None) -> None:
        super().__init__()
        self._binaries = _runnable(postgres_binaries(), self.folder)
        self._password = password or secrets.token_hex(8)
        self._data = self.folder / "data"
        self._initialise()

    @property
    def version(self) -> str:
        return str(self._binaries)

    @property
    def url(self) -> str:
        return self.database_url("postgres")

    def database_url(self, database: str) -> str:
        return f"postgresql+psycopg://scoring:{self._password}@127.0.0.1:{self.port}/{database}"

    def create_database(self) -> str:
        """Make an empty database; returns its URL."""
        return create_database(self.url)

    def pause(self) -> None:
        super().pause()
        self._signal_backends(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal_backends(signal.SIGCONT)
        super().resume()

    def stop_immediately(self) -> None:
        """`pg_ctl stop -m immediate`: no checkpoint, recovery at the next start."""
        self._end(signal.SIGQUIT)

    def _signal_backends(self, number: signal.Signals) -> None:
        """Each of them has a process group of its own."""
        for backend in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(backend), number)

    def _initialise(self) -> None:
        secret = self.folder / "password"
        secret.write_text(self._password)
        hand_over(secret)
        command = [
            str(self._binaries.server.with_name("initdb")),
            f"--pgdata={self._data}",
            "--username=scoring",
            f"--pwfile={secret}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ]
        answer = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=self.folder, **as_server_user()
        )
        if answer.returncode:
            raise ServerFailed(f"initdb failed:\n{answer.stdout}{answer.stderr}")

    def _command(self) -> list[str]:
        settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
        return [str(self._binaries.server), "-D", str(self._data), "-p", str(self.port), *settings]

    def _answers(self) -> bool:
        try:
            psycopg.connect(plain(self.url), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def create_database(url: str) -> str:
    """Make an empty database with a name of its own on the server behind `url`; returns its URL."""
    name = f"scoring_test_{secrets.token_hex(6)}"
    with psycopg.connect(plain(url), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
    address, _, query = url.partition("?")
    return address.rpartition("/")[0] + f"/{name}" + (f"?{query}" if query else "")


def drop_database(url: str) -> None:
    """Drop what `create_database` made, with whoever is still connected to it."""
    address, _, query = url.partition("?")
    server, _, name = address.rpartition("/")
    with psycopg.connect(plain(f"{server}/postgres?{query}"), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def server_version(url: str) -> str:
    """Of a server given from outside; raises what psycopg raises where it cannot be reached."""
    with psycopg.connect(plain(url), connect_timeout=10) as connection:
        return str(connection.info.parameter_status("server_version"))


def plain(url: str) -> str:
    """The URL as libpq reads it, without SQLAlchemy's driver name."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def _runnable(binaries: Binaries, folder: Path) -> Binaries:
    """The same programs where the server's user can run them: copied where it cannot reach the environment."""
    if not binaries.bundle or os.geteuid() != 0 or _runs(binaries.server):
        return binaries
    anchor = binaries.bundle[0].parent.parent
    for source in binaries.bundle:
        shutil.copytree(source, folder / "programs" / source.relative_to(anchor), symlinks=True)
    hand_over(folder / "programs")
    server = folder / "programs" / binaries.server.relative_to(anchor)
    return Binaries(server=server, version=binaries.version, bundle=binaries.bundle)


def _runs(server: Path) -> bool:
    try:
        answer = subprocess.run([server, "--version"], capture_output=True, check=False, **as_server_user())
    except PermissionError:
        return False
    return answer.returncode == 0
