"""A wire that can be cut: a TCP proxy on loopback between a process and one of its servers."""

import select
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from types import TracebackType
from urllib.parse import urlsplit

HOST = "127.0.0.1"
PIECE_BYTES = 65_536
REMEMBERED_BYTES = 262_144
LOOK_SECONDS = 0.02
STUCK_SECONDS = 30.0
"""A peer that takes nothing for this long is given up."""


@dataclass(frozen=True, kw_only=True)
class Loss:
    """An answer that will not arrive."""

    # What the client sends and the server still gets, such as b"COMMIT\\0".
    to: bytes
    # What the client must have sent since its last COMMIT or ROLLBACK; psycopg sends a statement's text five times.
    after: bytes
    # True: from then on the server is away.
    last: bool


@dataclass(frozen=True, kw_only=True)
class Weather:
    """What befalls all connections now."""

    # New connections are reset, and old ones as soon as anything moves.
    breaks: bool = False

    # Nothing passes, either way; connections stay, and what was sent arrives once it is over.
    holds: bool = False
    # Seconds that each piece is late, either way.
    delay: float = 0.0
    # Bytes of answers that still pass on each connection before it ends.
    cut_after: int | None = None
    # Which answers are dropped, with their connections.
    losses: tuple[Loss, ...] = ()


class TcpProxy:
    """`with TcpProxy(server.port) as proxy`: clients of `proxy.port` reach the server, as long as it lets them."""

    def __init__(self, port: int) -> None:
        self._server_port = port
        self._listener: socket.socket | None = _listen(0)
        self.port: int = self._listener.getsockname()[1]
        self.weather = Weather()
        self.losses = 0
        self._lock = threading.Lock()
        self._lines: list[_Line] = []
        self._doors: list[threading.Thread] = []

    def __enter__(self) -> "TcpProxy":
        self._open_door()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.refuse()

    def pass_on(self) -> None:
        """Everything passes, as in the beginning."""
        self.weather = Weather()
        if self._listener is None:
            self._listener = _listen(self.port)
            self._open_door()

    def refuse(self) -> None:
        """As if no server were there: connections are reset, new ones refused."""
        listener, self._listener = self._listener, None
        for door in self._doors:
            door.join()
        self._doors.clear()
        if listener is not None:
            listener.close()
        self.reset()

    def reset(self) -> None:
        """Reset the connections that are open; new ones pass."""
        with self._lock:
            lines, self._lines = self._lines, []
        for line in lines:
            line.reset()

    def black_hole(self) -> None:
        """Nothing passes and nothing breaks: connections, old and new, are silent."""
        self.weather = Weather(holds=True)

    def delay(self, seconds: float) -> None:
        """Each piece is late, either way."""
        self.weather = Weather(delay=seconds)

    def cut_after(self, count: int) -> None:
        """Each connection ends once `count` more bytes of answers have passed."""
        self.weather = Weather(cut_after=count)
        with self._lock:
            for line in self._lines:
                line.answered = 0

    def lose_reply(self, *, to: bytes, after: bytes = b"", last: bool = False) -> None:
        """Once: the server gets `to` and answers it, the answer is dropped and the connection reset.

        after: only in a transaction in which the client has sent this before. last: from then on nothing gets through,
        until `pass_on`. Several calls add up; `losses` counts what was dropped.
        """
        with self._lock:
            loss = Loss(to=to, after=after, last=last)
            self.weather = replace(self.weather, losses=(*self.weather.losses, loss))

    def take_loss(self, sent: bytes) -> bool:
        """True for a connection that is to lose the next answer, after what its client has sent in a transaction."""
        with self._lock:
            for loss in self.weather.losses:
                if loss.to in sent and loss.after in sent:
                    left = tuple(other for other in self.weather.losses if other is not loss)
                    self.weather = replace(self.weather, losses=left, breaks=loss.last)
                    return True
            return False

    def lost(self) -> None:
        with self._lock:
            self.losses += 1

    def _open_door(self) -> None:
        door = threading.Thread(target=self._accept, args=(self._listener,), daemon=True)
        door.start()
        self._doors.append(door)

    def _accept(self, listener: socket.socket) -> None:
        while self._listener is listener:
            if not select.select([listener], [], [], LOOK_SECONDS)[0]:
                continue
            client, _ = listener.accept()
            server = self._dial()
            if server is None:
                _reset(client)
                continue
            line = _Line(self, client, server)
            with self._lock:
                self._lines.append(line)
            line.start()

    def _dial(self) -> socket.socket | None:
        if self.weather.breaks:
            return None
        with suppress(OSError):
            return socket.create_connection((HOST, self._server_port), timeout=STUCK_SECONDS)
        return None


class _Line:
    """One client's connection and its twin to the server, moved by one thread."""

    def __init__(self, proxy: TcpProxy, client: socket.socket, server: socket.socket) -> None:
        self.answered = 0
        self._proxy = proxy
        self._client, self._server = client, server
        self._sent = b""
        self._losing = False
        self._cut = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        for end in (client, server):
            end.settimeout(STUCK_SECONDS)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def start(self) -> None:
        self._thread.start()

    def reset(self) -> None:
        self._cut.set()
        self._thread.join()

    def _run(self) -> None:
        ended = False
        with suppress(OSError):
            ended = self._move()
        for end in (self._client, self._server):
            end.close() if ended else _reset(end)

    def _move(self) -> bool:
        """True where a side has ended the connection; False where it is to be reset."""
        for piece, sender in self._pieces():
            if not piece:
                return True
            time.sleep(self._proxy.weather.delay)
            if self._proxy.weather.breaks and not self._losing:
                return False
            if sender is self._client:
                self._ask(piece)
            elif not self._answer(piece):
                return not self._losing  # cut in the middle: a reset might overtake the bytes before it
        return False

    def _pieces(self) -> Iterator[tuple[bytes, socket.socket]]:
        while not self._cut.is_set():
            if self._proxy.weather.holds:
                self._cut.wait(LOOK_SECONDS)
                continue
            for sender in select.select([self._client, self._server], [], [], LOOK_SECONDS)[0]:
                yield sender.recv(PIECE_BYTES), sender

    def _ask(self, piece: bytes) -> None:
        self._sent = (self._sent + piece)[-REMEMBERED_BYTES:]
        self._losing = self._losing or self._proxy.take_loss(self._sent)
        if b"COMMIT\0" in piece or b"ROLLBACK\0" in piece:
            self._sent = b""
        self._server.sendall(piece)

    def _answer(self, piece: bytes) -> bool:
        """False where the connection ends instead."""
        if self._losing:
            self._proxy.lost()
            return False
        limit = self._proxy.weather.cut_after
        passed = piece if limit is None else piece[: max(0, limit - self.answered)]
        self.answered += len(passed)
        self._client.sendall(passed)
        return len(passed) == len(piece)


def rerouted(url: str, port: int) -> str:
    """The URL of a server, by way of this port of loopback."""
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user}{at}{HOST}:{port}").geturl()


def _listen(port: int) -> socket.socket:
    return socket.create_server((HOST, port), backlog=64)


def _reset(end: socket.socket) -> None:
    """Close without a farewell: the peer gets a reset."""
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.close()
