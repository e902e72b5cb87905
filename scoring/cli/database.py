"""db upgrade, db check: the ledger's schema. The embedded ledger upgrades itself."""

import click

from scoring.cli.lazy import PlainGroup
from scoring.cli.options import json_option
from scoring.cli.output import print_json, say
from scoring.cli.session import checked_settings


@click.group(cls=PlainGroup, short_help="Upgrade or check the ledger's schema.")
def db() -> None:
    """Upgrade or check the schema of the ledger that SCORING_DATABASE_URL names."""


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


def _print(revision: str, as_json: bool) -> None:
    if as_json:
        print_json({"revision": revision})
    else:
        say(f"the ledger is at revision {revision}, as this program expects")
