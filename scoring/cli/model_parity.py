"""model parity: show once more that a model answers as its training model does."""

from pathlib import Path

import click

from scoring.cli.options import json_option
from scoring.cli.output import print_json
from scoring.cli.session import open_session


@click.command()
@click.argument("reference", metavar="MODEL")
@click.option("--file", metavar="FILE", help="Reference rows: features, and the training model's own answers.")
@click.option("--tolerance", type=float, metavar="T", help="Largest difference allowed; default 1e-5.")
@json_option
def parity(reference: str, file: str | None, tolerance: float | None, as_json: bool) -> None:
    """Check MODEL on its reference rows with the runtime of today, whatever is known of it.

    A difference is at most T·max(1, |expected|). With --file these rows are the model's from now on, if it passes.
    """
    from scoring.ledger import models
    from scoring.pipeline.parity import check_by_hand

    with open_session() as context:
        version = context.ledger.look(lambda tx: models.find_model(tx, reference))
        given = None if file is None else Path(file).absolute()
        version, proof = check_by_hand(context, version, file=given, tolerance=tolerance)
    if as_json:
        print_json({"model": version.name, "version": version.version, **proof.facts()})
    else:
        click.echo(f"model {version} is {proof}")
