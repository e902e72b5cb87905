"""The wire that fault tests cut does what its verbs say."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.faults.proxy import HOST, TcpProxy, rerouted
from tests.waiting import wait_for


@pytest.fixture
def proxy() -> Iterator[TcpProxy]:
    """In front of a server that answers every piece with the same piece."""
    with socket.create_server((HOST, 0)) as listener, TcpProxy(listener.getsockname()[1]) as found:
        threading.Thread(target=_echo, args=(listener,), daemon=True).start()
        yield found


def _echo(listener: socket.socket) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_echo_one, args=(connection,), daemon=True).start()


def _echo_one(connection: socket.socket) -> None:
    with connection:
        try:
            while piece := connection.recv(1_000):
                connection.sendall(piece)
        except OSError:
            pass


def dial(proxy: TcpProxy) -> socket.socket:
    return socket.create_connection((HOST, proxy.port), timeout=5)


def say(client: socket.socket, words: bytes) -> bytes:
    client.sendall(words)
    return client.recv(1_000)


def test_it_passes_on(proxy: TcpProxy) -> None:
    """What a client says reaches the server, and its answer the client."""
    with dial(proxy) as client:
        assert b"hello" == say(client, b"hello")


def test_it_refuses_and_passes_on_again(proxy: TcpProxy) -> None:
    """An open connection is reset, a new one refused, until it passes on at the same port."""
    with dial(proxy) as client:
        say(client, b"hello")
        proxy.refuse()
        with pytest.raises(ConnectionResetError):
            client.recv(1_000)
    with pytest.raises(ConnectionRefusedError):
        dial(proxy)
    proxy.pass_on()
    with dial(proxy) as client:
        assert b"again" == say(client, b"again")


def test_it_resets_what_is_open(proxy: TcpProxy) -> None:
    """Only connections that stood before the reset break."""
    with dial(proxy) as old:
        say(old, b"hello")
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            old.recv(1_000)
    with dial(proxy) as new:
        assert b"new" == say(new, b"new")


def test_a_black_hole_keeps_what_falls_in(proxy: TcpProxy) -> None:
    """Nothing breaks and nothing arrives; once it is over, what was sent comes through."""
    with dial(proxy) as client:
        say(client, b"hello")
        proxy.black_hole()
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            say(client, b"lost?")
        proxy.pass_on()
        client.settimeout(5)
        assert b"lost?" == client.recv(1_000)


def test_it_delays_either_way(proxy: TcpProxy) -> None:
    """An answer comes after two delays."""
    with dial(proxy) as client:
        proxy.delay(0.05)
        begun = time.monotonic()
        assert b"slow" == say(client, b"slow")
        assert time.monotonic() - begun >= 0.1


def test_it_cuts_an_answer_in_the_middle(proxy: TcpProxy) -> None:
    """The first bytes arrive, then the connection ends."""
    with dial(proxy) as client:
        say(client, b"hello")
        proxy.cut_after(3)
        assert b"abc" == say(client, b"abcdef")
        assert b"" == client.recv(1_000)


def test_it_loses_one_answer(proxy: TcpProxy) -> None:
    """The answer to a COMMIT of the transaction meant is lost with its connection; no other is."""
    proxy.lose_reply(to=b"COMMIT\0", after=b"INSERT")
    with dial(proxy) as other, dial(proxy) as client:
        assert b"COMMIT\0" == say(other, b"COMMIT\0")
        assert b"INSERT" == say(client, b"INSERT")
        with pytest.raises(ConnectionResetError):
            say(client, b"COMMIT\0")
        wait_for(lambda: proxy.losses == 1, "the lost answer", seconds=5)
    with dial(proxy) as client:
        assert b"INSERT" == say(client, b"INSERT")
        assert b"COMMIT\0" == say(client, b"COMMIT\0")


def test_it_may_be_the_last_answer(proxy: TcpProxy) -> None:
    """Then nothing gets through, old connection or new, until it passes on."""
    proxy.lose_reply(to=b"COMMIT\0", last=True)
    with dial(proxy) as client, pytest.raises(ConnectionResetError):
        say(client, b"COMMIT\0")
    with pytest.raises(ConnectionResetError), dial(proxy) as client:
        say(client, b"hello")
    proxy.pass_on()
    with dial(proxy) as client:
        assert b"hello" == say(client, b"hello")


def test_a_url_keeps_all_but_its_address() -> None:
    """User, password, path and options stay."""
    assert "redis://u:p@127.0.0.1:7/0?a=b" == rerouted("redis://u:p@host:6379/0?a=b", 7)
