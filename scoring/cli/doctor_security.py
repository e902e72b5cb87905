"""What `scoring doctor` says of the way to the servers: who can listen, and who can knock."""

import os
import re
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from scoring.broker import BrokerReport
from scoring.cli.doctor_check import Check, warning
from scoring.settings import Settings

ENCRYPTED_BROKERS = ("rediss", "amqps")
ENCRYPTED_LEDGERS = ("require", "verify-ca", "verify-full")

PATCHED = {(6, 2): 20, (7, 2): 11, (7, 4): 6, (8, 0): 4, (8, 2): 2}
"""Branch of Redis → first release without CVE-2025-49844: before, who may run scripts, as we must, owns the server."""

EVERYBODY = {"redis": "default", "rediss": "default", "amqp": "guest", "amqps": "guest"}
"""The user that a server has from the start, with every right."""

_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


def check_ways(settings: Settings) -> Iterator[Check]:
    """Asks nobody: it looks at the URLs alone."""
    if not settings.deployed:
        return
    yield from _ledger(urlsplit(settings.database_url))
    yield from _broker(urlsplit(settings.broker_url))


def check_patches(report: BrokerReport) -> Iterator[Check]:
    """Whether this Redis is one that its own users can take over."""
    if not report.version or report.is_valkey:
        return
    major, minor, patch = redis_version(report.version) or (0, 0, 0)
    patched = PATCHED.get((major, minor))
    if (major, minor) > max(PATCHED) or (patched is not None and patch >= patched):
        return
    enough = "a branch that is still mended" if patched is None else f"{major}.{minor}.{patched} or newer"
    yield warning(
        "broker",
        f"Redis {report.version} is not known to be patched: whoever may run scripts can take it over (CVE-2025-49844)",
        f"upgrade it to {enough}",
    )


def redis_version(version: str) -> tuple[int, int, int] | None:
    """Major, minor and patch of what a server calls itself, such as ``7.4.0-v1``; None where that is no version."""
    found = _VERSION.match(version)
    return None if found is None else (int(found[1]), int(found[2]), int(found[3] or 0))


def _ledger(url: SplitResult) -> Iterator[Check]:
    mode = _query(url, "sslmode") or os.environ.get("PGSSLMODE", "")
    if not _is_here(url.hostname) and mode not in ENCRYPTED_LEDGERS:
        yield warning(
            "ledger",
            f"the way to {url.hostname} may be unencrypted, and the server is not proven to be the right one",
            "add ?sslmode=verify-full&sslrootcert=FILE to SCORING_DATABASE_URL",
        )


def _broker(url: SplitResult) -> Iterator[Check]:
    if not _is_here(url.hostname):
        if url.scheme not in ENCRYPTED_BROKERS:
            yield warning(
                "broker",
                f"the way to {url.hostname} is unencrypted: whoever is on it reads the password and rings as we do",
                "use rediss:// or amqps://, or a network that nobody else is on",
            )
        elif _query(url, "ssl_cert_reqs").lower() in ("none", "cert_none"):
            yield warning(
                "broker", f"{url.hostname} is not proven to be the right server", "take ssl_cert_reqs out of the URL"
            )
    if not url.password:
        yield warning("broker", "it is asked without a password", "make a user for scoring: docs/security.md#redis")
    elif unquote(url.username or "") in ("", EVERYBODY.get(url.scheme)):
        yield warning(
            "broker",
            "it is asked as the user that may do everything",
            "make a user with the rights that are needed: docs/security.md#redis",
        )


def _query(url: SplitResult, name: str) -> str:
    return parse_qs(url.query).get(name, [""])[-1]


def _is_here(host: str | None) -> bool:
    """True for this very machine: what goes there passes no wire. Without a host it is a socket of the file system."""
    if not host or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
