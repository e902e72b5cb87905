"""db upgrade, db check, db reader: the ledger's schema, and who may read it. The embedded ledger upgrades itself."""

import click

from scoring.cli.lazy import PlainGroup
from scoring.cli.options import json_option
from scoring.cli.output import print_json, say
from scoring.cli.session import checked_settings, open_ledger


@click.group(cls=PlainGroup, short_help="Upgrade or check the ledger's schema; make readers.")
def db() -> None:
    """Upgrade or check the schema of the ledger that SCORING_DATABASE_URL names, and make roles that may read it."""


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
@click.argument("role", metavar="ROLE")
@json_option
def reader(role: str, as_json: bool) -> None:
    """Let ROLE read the views and the result tables, those to come too, and nothing else. A new role has no login."""
    from dataclasses import asdict

    from scoring.ledger import readers
    from scoring.ledger.result_sql import quoted

    with open_ledger() as ledger:
        made = ledger.run(lambda tx: readers.grant(tx, role))
    if as_json:
        print_json(asdict(made))
        return
    say(f"{role} reads {len(made.views)} views and {len(made.tables)} result tables of the ledger, and those to come")
    if made.created:
        name = quoted(role)
        say(f"it is new and cannot log in: ALTER ROLE {name} LOGIN PASSWORD '…', or GRANT {name} TO a role that can")
    if made.may_make_temporary:
        say("it may make temporary tables, as everybody here: the database's owner can REVOKE TEMPORARY … FROM PUBLIC")
    if made.may_make_large_objects:
        say("it may write large objects, as everybody here: a superuser can run this command once, and forbid it")
    if not made.configured:
        say("its settings are not for the ledger's user to change: docs/tables.md names two that a superuser can set")


def _print(revision: str, as_json: bool) -> None:
    if as_json:
        print_json({"revision": revision})
    else:
        say(f"the ledger is at revision {revision}, as this program expects")
