"""A private Redis (or Valkey) server."""

import os
import secrets
import shutil
from pathlib import Path

import redis

from tests.servers.binaries import Binaries, redis_binary
from tests.servers.process import LocalServer


class RedisServer(LocalServer):
    """Without persistence unless asked for: then a restart has lost everything, as the broker may."""

    name = "Redis"

    def __init__(self, *, persistent: bool = False, password: str | None = None) -> None:
        super().__init__()
        self._binary = _runnable(redis_binary(), self.folder)
        self._password = password or secrets.token_hex(8)
        self._persistent = persistent

    @property
    def version(self) -> str:
        return str(self._binary)

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    def client(self) -> "redis.Redis":
        """A client with short time-outs, for the test itself."""
        return client(self.url)

    def _command(self) -> list[str]:
        options = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "dir": str(self.folder),
            "requirepass": self._password,
            "maxmemory-policy": "noeviction",
            "appendonly": "yes" if self._persistent else "no",
            "save": "",
        }
        return [str(self._binary.server), *(word for name, value in options.items() for word in (f"--{name}", value))]

    def _answers(self) -> bool:
        try:
            with self.client() as connection:
                return bool(connection.ping())
        except redis.RedisError:
            return False


def client(url: str) -> "redis.Redis":
    return redis.Redis.from_url(url, socket_timeout=10, socket_connect_timeout=10)


def _runnable(binary: Binaries, folder: Path) -> Binaries:
    """The same program where the server's user can run it; it needs nothing beside it."""
    if not binary.bundle or os.geteuid() != 0:
        return binary
    copy = folder / binary.server.name
    shutil.copy2(binary.server, copy)
    copy.chmod(0o755)
    return Binaries(server=copy, version=binary.version, bundle=binary.bundle)
