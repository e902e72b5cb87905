"""Private Postgres and Redis servers for the tests: started on a free port, on data of their own, and thrown away.

`PostgresServer` and `RedisServer` have the same verbs — start, stop, kill, pause, resume — and keep port and data over
a restart, so that a fault test can take a server away and give it back. `Servers` is one of each.
"""

from tests.servers.binaries import NoServer, postgres_binaries, redis_binary
from tests.servers.pair import Servers
from tests.servers.postgres import PostgresServer
from tests.servers.process import LocalServer, ServerFailed
from tests.servers.redis import RedisServer

__all__ = [
    "LocalServer",
    "NoServer",
    "PostgresServer",
    "RedisServer",
    "ServerFailed",
    "Servers",
    "postgres_binaries",
    "redis_binary",
]
