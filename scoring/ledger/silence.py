"""A Postgres that keeps its connections and says nothing any more: noticed here, for no time-out of its own ends it.

A server that is stopped, or a wire that swallows everything behind an open socket, acknowledges every packet; so
neither keepalives nor `statement_timeout` end the wait. After a while without an answer the server is asked, beside the
connection, whether it is there at all: one that is may work on the statement for as long as it likes.
"""

import socket
import struct
import time
from collections.abc import Generator
from contextlib import suppress
from typing import Any, TypeVar

import psycopg

SILENT_SECONDS = 10.0
"""Without an answer for so long, the server is asked whether it is there."""

KNOCK_SECONDS = 5.0
_SSL_REQUEST = struct.pack("!ii", 8, 80_877_103)
"""The one question that a Postgres answers to anybody: one byte, before all log-in."""

T = TypeVar("T")


class WatchedConnection(psycopg.Connection[Any]):
    """Raises OperationalError, and is closed, once the server is silent and does not open the door either."""

    @classmethod
    def connect(cls, conninfo: str = "", **named: Any) -> "WatchedConnection":
        """As the driver's own. A process without a descriptor left meets no driver's error there, but the system's."""
        try:
            return super().connect(conninfo, **named)
        except OSError as error:
            raise psycopg.OperationalError(str(error)) from error

    def wait(self, gen: Generator[Any, Any, T], *options: Any, **named: Any) -> T:
        return super().wait(self._watched(gen), *options, **named)

    def _watched(self, gen: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
        heard = time.monotonic()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                # Not ready: nothing came within psycopg's own short pause.
                if not ready and time.monotonic() - heard > SILENT_SECONDS:
                    self._knock()
                    heard = time.monotonic()
                elif ready:
                    heard = time.monotonic()
                wanted = gen.send(ready)
        except StopIteration as end:
            answer: T = end.value
            return answer

    def _knock(self) -> None:
        # The address that was reached, where there is one: nothing bounds the look-up of a name.
        if not answers(self.pgconn.hostaddr or self.pgconn.host, self.pgconn.port):
            self.pgconn.finish()
            raise psycopg.OperationalError(f"the server has not answered for {SILENT_SECONDS:g} s")


def answers(host: bytes, port: bytes) -> bool:
    """Whether a Postgres opens its door there. host: as libpq names it, a folder of sockets and an abstract one too."""
    with suppress(OSError), _open(host.decode(), int(port)) as door:
        door.settimeout(KNOCK_SECONDS)
        door.sendall(_SSL_REQUEST)
        return door.recv(1) != b""
    return False


def _open(host: str, port: int) -> socket.socket:
    if not host.startswith(("/", "@")):
        return socket.create_connection((host, port), KNOCK_SECONDS)
    # libpq writes "@" for the NUL byte that marks a name without a file.
    name = f"\0{host[1:]}" if host.startswith("@") else host
    door = socket.socket(socket.AF_UNIX)
    door.settimeout(KNOCK_SECONDS)
    try:
        door.connect(f"{name}/.s.PGSQL.{port}")
    except OSError:
        door.close()
        raise
    return door
