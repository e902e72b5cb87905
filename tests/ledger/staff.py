"""Roles that were made for a ledger, and logins of theirs."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import make_url
from sqlalchemy.engine import URL

from scoring.ledger import roles
from scoring.ledger.database import Ledger
from scoring.ledger.role_rights import RoleKind
from tests.servers.postgres import plain

PASSWORD = "it's100%secret"

KINDS = {
    "submitter": {RoleKind.PRODUCER},
    "hand": {RoleKind.WORKER},
    "clock": {RoleKind.PRODUCER, RoleKind.WORKER},
    "analyst": {RoleKind.READER},
}
"""What each of the roles is made for."""


@contextmanager
def staff(owner: str) -> Iterator[None]:
    """While the block runs all of KINDS are there; roles outlive their database, so they are taken away again.

    owner: URL of the ledger as its owner opens it.
    """
    ledger = Ledger.open(owner)
    for role, kinds in KINDS.items():
        ledger.run(lambda tx, kinds=kinds, role=role: roles.grant(tx, kinds, role, PASSWORD))  # type: ignore[misc]
    ledger.close()
    try:
        yield
    finally:
        with psycopg.connect(plain(owner), autocommit=True) as connection:
            for role in KINDS:
                connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}".encode())


def login(owner: str, role: str) -> str:
    """The URL as the role opens it."""
    url: URL = make_url(owner).set(username=role, password=PASSWORD)
    return url.render_as_string(hide_password=False)
