"""What can befall a deployment: each fault by its name, how often it is drawn, and how it is done."""

import os
import signal
from collections.abc import Sequence
from contextlib import suppress

import psycopg
import redis

from tests.faults.campaign_arena import Arena, Strike
from tests.faults.campaign_draw import Act
from tests.faults.campaign_fleet import Member

COPIES = 20
END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'scoring'"


def one_of(found: Sequence[Member], act: Act) -> Member:
    return found[int(act.target * len(found))]


def signalled(kind: str, number: signal.Signals, *, group: bool = False) -> Strike:
    """To the main process, or to it and its children."""

    def strike(arena: Arena, act: Act) -> str:
        member = one_of(arena.fleet.of(kind), act)
        member.signal(number, group=group)
        return member.name

    return strike


def paused(kind: str) -> Strike:
    def strike(arena: Arena, act: Act) -> str:
        member = one_of(arena.fleet.of(kind), act)
        pid = member.process.pid
        member.signal(signal.SIGSTOP, group=True)
        arena.later(act.stay, lambda: _to_group(pid, signal.SIGCONT))
        return f"{member.name}, {act.stay:.1f} s"

    return strike


def _to_group(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, number)


def _to_child(number: signal.Signals, *, back: bool = False) -> Strike:
    def strike(arena: Arena, act: Act) -> str:
        children = [(member, pid) for member in arena.fleet.of("worker") for pid in member.children()]
        if not children:
            return "no child lives"
        member, pid = children[int(act.target * len(children))]
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        if not back:
            return f"child {pid} of {member.name}"

        def go_on() -> None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

        arena.later(act.stay, go_on)
        return f"child {pid} of {member.name}, {act.stay:.1f} s"

    return strike


def _replaced(arena: Arena, act: Act) -> str:
    """Its successor fails once, at the drawn place."""
    member = one_of(arena.fleet.members, act)
    member.failpoint = f"{act.failpoint}!{arena.fleet.marker()}"
    member.signal(signal.SIGTERM)
    return f"{member.name} by one that is to {act.failpoint}"


def _redis_killed(arena: Arena, act: Act) -> str:
    server = arena.servers.redis
    if server.running:
        server.kill()
        arena.later(act.stay, lambda: None if server.running else server.start())
    return f"{act.stay:.1f} s"


def _redis_told(*command: str) -> Strike:
    def strike(arena: Arena, act: Act) -> str:
        words = [word.format(milliseconds=int(act.stay * 1000)) for word in command]
        with suppress(redis.RedisError), arena.servers.redis.client() as broker:
            broker.execute_command(*words)
        return " ".join(words)

    return strike


def _garbage(arena: Arena, act: Act) -> str:
    junk = (b"\xff\xfe", b"{}", b"null", b'{"body": "e30=", "headers": {}, "properties": {}}')
    piece = junk[int(act.target * len(junk))]
    with suppress(redis.RedisError), arena.servers.redis.client() as broker:
        for name in _lists(broker):
            broker.rpush(name, piece)
    return repr(piece)


def _copies(arena: Arena, act: Act) -> str:
    """Of messages that wait, behind and before them."""
    copied = 0
    with suppress(redis.RedisError), arena.servers.redis.client() as broker:
        for name in _lists(broker):
            for message in broker.lrange(name, 0, COPIES):
                broker.rpush(name, message)
                broker.lpush(name, message)
                copied += 2
    return f"{copied} messages"


def _lists(broker: "redis.Redis") -> list[bytes]:
    return [name for name in broker.keys("*") if broker.type(name) == b"list"]


def _terminated(*, all_of_them: bool) -> Strike:
    def strike(arena: Arena, act: Act) -> str:
        arena.sql(END_SESSIONS if all_of_them else f"{END_SESSIONS} ORDER BY random() LIMIT 1")
        return ""

    return strike


def _postgres_down(*, stays: bool) -> Strike:
    """At once, with a recovery at the next start; for a moment, or for longer than a lease."""

    def strike(arena: Arena, act: Act) -> str:
        server = arena.servers.postgres
        seconds = 2.0 + act.stay if stays else 0.0
        if server.running:
            server.stop_immediately()
            arena.later(seconds, lambda: None if server.running else server.start())
        return f"{seconds:.1f} s"

    return strike


def _locked(arena: Arena, act: Act) -> str:
    table = ("steps", "jobs", "attempts")[int(act.target * 3)]
    try:
        connection = psycopg.connect(arena.database)
        connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE NOWAIT".encode())
    except psycopg.Error:
        return f"{table}: not to be had"

    def let_go() -> None:
        with suppress(psycopg.Error):
            connection.close()

    arena.later(act.stay, let_go)
    return f"{table}, {act.stay:.1f} s"


def _read_only(arena: Arena, act: Act) -> str:
    address, _, name = arena.database.rpartition("/")

    def turn(state: str) -> None:
        # From another database: a session of this one would be read-only itself.
        try:
            with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
                connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = {state}'.encode())
                connection.execute(END_SESSIONS.encode())
        except psycopg.Error:
            if state == "off":
                arena.later(0.5, lambda: turn("off"))

    turn("on")
    arena.later(act.stay, lambda: turn("off"))
    return f"{act.stay:.1f} s"


def _wire(name: str, what: str) -> Strike:
    def strike(arena: Arena, act: Act) -> str:
        wire = arena.postgres if name == "postgres" else arena.redis
        match what:
            case "reset":
                wire.reset()
                return ""
            case "delay":
                wire.delay(act.stay / 20)
            case "lose":
                wire.lose_reply(to=b"COMMIT\0")
            case "hole":
                wire.black_hole()
            case "refuse":
                wire.refuse()
        arena.later(act.stay, wire.pass_on)
        return f"{act.stay:.1f} s"

    return strike


def _wish(what: str) -> Strike:
    def strike(arena: Arena, act: Act) -> str:
        arena.user.wishes.put((what, act.target))
        return ""

    return strike


FAULTS: dict[str, tuple[int, Strike]] = {
    "worker and children killed": (6, signalled("worker", signal.SIGKILL, group=True)),
    "worker's main process killed": (4, signalled("worker", signal.SIGKILL)),
    "child killed": (10, _to_child(signal.SIGKILL)),
    "child broken": (3, _to_child(signal.SIGSEGV)),
    "worker stopped, goes on": (6, paused("worker")),
    "child stopped, goes on": (8, _to_child(signal.SIGSTOP, back=True)),
    "worker told to end": (4, signalled("worker", signal.SIGTERM)),
    "worker told to quit": (3, signalled("worker", signal.SIGQUIT)),
    "process replaced": (12, _replaced),
    "scheduler killed": (4, signalled("scheduler", signal.SIGKILL)),
    "scheduler stopped, goes on": (4, paused("scheduler")),
    "scheduler told to end": (2, signalled("scheduler", signal.SIGTERM)),
    "redis killed, back empty": (3, _redis_killed),
    "redis emptied": (5, _redis_told("FLUSHALL")),
    "redis cuts its clients": (4, _redis_told("CLIENT", "KILL", "TYPE", "normal")),
    "redis pauses": (3, _redis_told("CLIENT", "PAUSE", "{milliseconds}")),
    "garbage in the queues": (4, _garbage),
    "messages copied": (5, _copies),
    "one session ended": (5, _terminated(all_of_them=False)),
    "all sessions ended": (3, _terminated(all_of_them=True)),
    "postgres crashes": (3, _postgres_down(stays=False)),
    "postgres away": (2, _postgres_down(stays=True)),
    "table locked": (3, _locked),
    "postgres read-only": (2, _read_only),
    "wire to postgres reset": (3, _wire("postgres", "reset")),
    "wire to postgres silent": (3, _wire("postgres", "hole")),
    "wire to postgres slow": (3, _wire("postgres", "delay")),
    "wire to postgres refused": (2, _wire("postgres", "refuse")),
    "answer to a commit lost": (6, _wire("postgres", "lose")),
    "wire to redis reset": (2, _wire("redis", "reset")),
    "wire to redis silent": (3, _wire("redis", "hole")),
    "wire to redis refused": (2, _wire("redis", "refuse")),
    "user cancels": (3, _wish("cancel")),
    "user retries": (3, _wish("retry")),
}
"""Weight, and what is done."""
