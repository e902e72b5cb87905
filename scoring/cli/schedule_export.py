"""schedule export: lines for other schedulers."""

import click

from scoring.cli.session import open_ledger
from scoring.core.errors import UsageError

FORMS = ("crontab", "systemd", "kubernetes")


@click.command(short_help="Print lines for crontab, systemd or Kubernetes.")
@click.argument("name", metavar="NAME")
@click.option("--crontab", "form", flag_value="crontab", help="A line for crontab -e.")
@click.option("--systemd", "form", flag_value="systemd", help="A service and a timer.")
@click.option("--kubernetes", "form", flag_value="kubernetes", help="A CronJob.")
def export(name: str, form: str | None) -> None:
    """Print what makes another scheduler run the batches of schedule NAME, by `submit-job` with an idempotency key."""
    from scoring.core.schedules import exports
    from scoring.ledger import schedules

    if form not in FORMS:
        raise UsageError(
            "schedule export", expected="--crontab, --systemd or --kubernetes", got="none", remedy="choose one of them"
        )
    with open_ledger() as ledger:
        definition = ledger.look(lambda tx: schedules.find(tx, name)).definition
    make = {"crontab": exports.crontab, "systemd": exports.systemd, "kubernetes": exports.kubernetes}[form]
    click.echo(make(definition), nl=False)
