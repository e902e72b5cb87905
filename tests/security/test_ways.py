"""S5: `scoring doctor` looks at the way to the servers, and at who may knock."""

from dataclasses import replace

import pytest

from scoring.broker import BrokerReport
from scoring.cli.doctor_security import check_patches, check_ways
from scoring.settings import Settings, load_settings

LEDGER = "postgresql://scoring:p@127.0.0.1/x"
BROKER = "redis://scoring:p@127.0.0.1/0"


def settings(*, ledger: str = LEDGER, broker: str = BROKER) -> Settings:
    return load_settings({"SCORING_DATABASE_URL": ledger, "SCORING_BROKER_URL": broker, "SCORING_HOME": "/nowhere"})


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (BROKER, []),
        ("redis://scoring:p@[::1]:6379/0", []),
        ("redis://scoring:p@localhost/0", []),
        ("rediss://scoring:p@broker.example/0", []),
        ("amqps://scoring:p@broker.example//", []),
        ("redis://scoring:p@broker.example/0", ["unencrypted"]),
        ("redis://scoring:p@10.0.0.7/0", ["unencrypted"]),
        ("redis://scoring:p@127.0.0.1.example/0", ["unencrypted"]),
        ("amqp://scoring:p@broker.example//", ["unencrypted"]),
        ("rediss://scoring:p@broker.example/0?ssl_cert_reqs=none", ["not proven"]),
        ("rediss://scoring:p@broker.example/0?ssl_cert_reqs=CERT_NONE", ["not proven"]),
        ("redis://127.0.0.1/0", ["without a password"]),
        ("redis://:p@127.0.0.1/0", ["may do everything"]),
        ("redis://default:p@127.0.0.1/0", ["may do everything"]),
        ("amqp://guest:guest@127.0.0.1//", ["may do everything"]),
        ("redis://broker.example/0", ["unencrypted", "without a password"]),
    ],
)
def test_the_way_to_the_broker(url: str, words: list[str]) -> None:
    """Loopback or TLS, with a password, as a user of its own: anything else is a warning with its remedy."""
    found = list(check_ways(settings(broker=url)))
    assert len(words) == len(found), found
    assert all(word in check.message for word, check in zip(words, found, strict=True))
    assert all(check.remedy for check in found)


@pytest.mark.parametrize(
    ("url", "sound"),
    [
        (LEDGER, True),
        ("postgresql://scoring:p@/x?host=/run/postgresql", True),
        ("postgresql://scoring:p@db.example/x", False),
        ("postgresql://scoring:p@db.example/x?sslmode=prefer", False),
        ("postgresql://scoring:p@db.example/x?sslmode=verify-full&sslrootcert=/ca.pem", True),
    ],
)
def test_the_way_to_the_ledger(url: str, sound: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What libpq does by default, encrypt if the server offers it, is not enough off this machine."""
    monkeypatch.delenv("PGSSLMODE", raising=False)
    assert sound is not bool(list(check_ways(settings(ledger=url))))


def test_the_way_to_the_ledger_may_be_said_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """libpq's own variable counts, unless the URL says otherwise."""
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    assert [] == list(check_ways(settings(ledger="postgresql://scoring:p@db.example/x")))
    assert list(check_ways(settings(ledger="postgresql://scoring:p@db.example/x?sslmode=disable")))


def test_an_embedded_deployment_has_no_ways() -> None:
    """Nothing leaves the machine."""
    assert [] == list(check_ways(replace(settings(), broker_url="memory://localhost/")))


@pytest.mark.parametrize(
    ("version", "sound"),
    [
        ("6.2.19", False),
        ("6.2.20", True),
        ("7.0.15", False),
        ("7.2.11", True),
        ("7.4.5", False),
        ("7.4.6", True),
        ("8.0.4", True),
        ("8.2.1", False),
        ("8.4.0", True),
        ("9.0", True),
        ("7.4.0-v1", False),
        ("8.2.2-int", True),
        ("7.9.226", False),
        ("unstable", False),
        ("", True),
    ],
)
def test_a_redis_that_its_users_can_take_over_is_named(version: str, sound: bool) -> None:
    """Our user needs scripts, so the server must be one whose scripts are safe."""
    assert sound is not bool(list(check_patches(BrokerReport(version=version))))
    assert [] == list(check_patches(BrokerReport(version=version, is_valkey=True)))
