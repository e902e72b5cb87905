"""One Postgres and one Redis that a fault test may break as it likes."""

from dataclasses import dataclass
from types import TracebackType

from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer


@dataclass(frozen=True, kw_only=True)
class Servers:
    """`with Servers.private() as servers: servers.redis.kill(); servers.redis.start()`."""

    postgres: PostgresServer
    redis: RedisServer

    @classmethod
    def private(cls, *, persistent_redis: bool = False) -> "Servers":
        """Start both; raises NoServer where there is no program for one of them."""
        postgres, redis = PostgresServer(), RedisServer(persistent=persistent_redis)
        servers = cls(postgres=postgres, redis=redis)
        try:
            redis.start()
            postgres.start()
        except BaseException:
            servers.close()
            raise
        return servers

    def close(self) -> None:
        self.redis.close()
        self.postgres.close()

    def __enter__(self) -> "Servers":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
