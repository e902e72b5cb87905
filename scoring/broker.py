"""What is known of the broker beside its queues: what it says of itself, and whose it is."""

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scoring.core.states import Priority
from scoring.queue import KEY_PREFIX, SOCKET_SECONDS, CeleryBell

if TYPE_CHECKING:
    import redis

DEPLOYMENT_KEY = f"{KEY_PREFIX}deployment"
DEPLOYMENT_SECONDS = 24 * 3600
"""A deployment that is no more must not be met for ever."""


@dataclass(frozen=True, kw_only=True)
class BrokerReport:
    """What a broker says of itself, for `scoring doctor`."""

    # "" where it answered; else why not, in the client's words.
    error: str = ""
    # "" where it is not Redis, which alone is asked for it.
    version: str = ""
    # True: the version is the one of Redis that Valkey says it is like.
    is_valkey: bool = False
    # Redis: what it throws away when it is full; anything but "noeviction" loses messages.
    eviction_policy: str = ""
    # Redis: the deployment that has put its id there; "" where none has, lately.
    deployment: str = ""

    @property
    def evicts(self) -> bool:
        return self.eviction_policy not in ("", "noeviction")


def report_broker(broker_url: str) -> BrokerReport:
    """Ask the broker who it is, within SOCKET_SECONDS for each answer. Never raises."""
    if not broker_url.startswith("redis"):
        answers = CeleryBell(broker_url).depth(Priority.NORMAL) is not None
        return BrokerReport(error="" if answers else "no answer in time")
    import redis

    try:
        with _client(broker_url) as client:
            server, memory = client.info("server"), client.info("memory")
            deployment = client.get(DEPLOYMENT_KEY)
    except (redis.RedisError, OSError) as error:
        return BrokerReport(error=str(error) or type(error).__name__)
    return BrokerReport(
        version=str(server["redis_version"]),
        is_valkey="valkey_version" in server,
        eviction_policy=str(memory.get("maxmemory_policy", "")),
        deployment=(deployment or b"").decode(errors="replace"),
    )


def sign_broker(broker_url: str, deployment: str) -> None:
    """Put the deployment's id, for another day, into a Redis that bears none or this one. Never raises.

    Two deployments on one database take each other's messages, and what the one has lost the other's queue hides.
    """
    if not deployment or not broker_url.startswith("redis"):
        return
    import redis

    with suppress(redis.RedisError, OSError), _client(broker_url) as client:
        signed = client.set(DEPLOYMENT_KEY, deployment, nx=True, ex=DEPLOYMENT_SECONDS)
        if not signed and client.get(DEPLOYMENT_KEY) == deployment.encode():
            client.expire(DEPLOYMENT_KEY, DEPLOYMENT_SECONDS)


def _client(broker_url: str) -> "redis.Redis":
    import redis

    return redis.Redis.from_url(broker_url, socket_timeout=SOCKET_SECONDS, socket_connect_timeout=SOCKET_SECONDS)
