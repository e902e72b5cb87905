"""db upgrade, check, role, reader: the ledger's schema, and who may use it. The embedded ledger upgrades itself."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from scoring.cli.lazy import PlainGroup
from scoring.cli.options import json_option
from scoring.cli.output import print_json, say
from scoring.cli.session import checked_settings, open_ledger

if TYPE_CHECKING:
    from scoring.ledger.roles import Role


@click.group(cls=PlainGroup, short_help="Upgrade or check the ledger's schema; make roles.")
def db() -> None:
    """Upgrade or check the schema of the ledger that SCORING_DATABASE_URL names, and make roles that may use it."""


@db.command()
@json_option
def upgrade(as_json: bool) -> None:
    """Bring the schema up to this program. Running it twice, or on two hosts at once, does no harm."""
    from scoring.ledger import schema_version

    revision = schema_version.upgrade(checked_settings().database_url)
    _print(revision, as_json)


@db.command()
@json_option
def check(as_json: bool) -> None:
    """Say whether schema and program fit; exit 2 where they do not."""
    from scoring.ledger import schema_version

    revision = schema_version.check(checked_settings().database_url)
    _print(revision, as_json)


@db.command()
@click.argument("kind", type=click.Choice(["producer", "worker", "scheduler", "reader"]))
@click.argument("name", metavar="NAME")
@click.option(
    "--password-file", type=click.Path(dir_okay=False), help="Let it log in with the first line of this file."
)
@json_option
def role(kind: str, name: str, password_file: str | None, as_json: bool) -> None:
    """Let the Postgres role NAME submit (producer), work (worker), do both (scheduler) or look (reader).

    And nothing else. A new role has no login.
    """
    _make(kind, name, None if password_file is None else _password_in(password_file), as_json=as_json)


@db.command()
@click.argument("role", metavar="ROLE")
@json_option
def reader(role: str, as_json: bool) -> None:
    """Short for `db role reader ROLE`: it reads views and result tables, those to come too, and nothing else.

    A new role has no login.
    """
    _make("reader", role, None, as_json=as_json)


def _make(kind: str, name: str, password: str | None, *, as_json: bool) -> None:
    from dataclasses import asdict

    from scoring.ledger import roles
    from scoring.ledger.role_rights import RoleKind

    kinds = {RoleKind.PRODUCER, RoleKind.WORKER} if kind == "scheduler" else {RoleKind(kind)}
    with open_ledger() as ledger:
        made = ledger.run(lambda tx: roles.grant(tx, kinds, name, password))
    if as_json:
        print_json({"role": name, "kind": kind} | asdict(made))
        return
    for line in _said(kind, made, login=password is not None):
        say(line)


def _said(kind: str, made: "Role", *, login: bool) -> Iterator[str]:
    from scoring.ledger.result_sql import quoted

    name, views, tables = made.role, f"{len(made.views)} views", f"{len(made.tables)} result tables"
    yield {
        "reader": f"{name} reads {views} and {tables} of the ledger, and those to come",
        "producer": f"{name} may submit, cancel and retry jobs, and keep models, schedules and labels",
        "worker": f"{name} may do the steps of jobs, and add rows to {tables} and to those to come",
        "scheduler": f"{name} may do what a producer and a worker may, and fire schedules",
    }[kind]
    if made.created and not login:
        sql = quoted(name)
        yield f"it is new and cannot log in: ALTER ROLE {sql} LOGIN PASSWORD '…', or GRANT {sql} TO a role that can"
    if made.may_make_temporary:
        yield "it may make temporary tables, as everybody here: the database's owner can REVOKE TEMPORARY … FROM PUBLIC"
    if made.may_make_large_objects:
        yield "it may write large objects, as everybody here: a superuser can run this command once, and forbid it"
    if not made.configured:
        yield "its settings are not for the ledger's user to change: docs/operations.md names those that it wants"


def _password_in(file: str) -> str:
    from pathlib import Path

    from scoring.core.errors import UsageError

    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            "--password-file", expected="a text file", got=f"{file}: {error}", remedy="give another file"
        ) from error
    if not lines or not lines[0]:
        raise UsageError("--password-file", expected="a password in its first line", got=f"{file}: nothing there")
    return lines[0]


def _print(revision: str, as_json: bool) -> None:
    if as_json:
        print_json({"revision": revision})
    else:
        say(f"the ledger is at revision {revision}, as this program expects")
