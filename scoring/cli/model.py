"""model add, list, show, alias: the registry."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scoring.cli.lazy import PlainGroup
from scoring.cli.model_parity import parity
from scoring.cli.options import json_option
from scoring.cli.output import Row, print_facts, print_json, print_table, say
from scoring.cli.session import open_ledger, open_session
from scoring.core.errors import UsageError

if TYPE_CHECKING:
    from scoring.ledger.database import Tx
    from scoring.ledger.records import ModelVersion


@click.group(cls=PlainGroup, short_help="Register models, list and name them.")
def model() -> None:
    """Register models, list and name them. A MODEL is name (its newest version), name:3 or name@alias."""


model.add_command(parity)


@model.command()
@click.argument("name", metavar="NAME")
@click.argument("file", metavar="FILE")
@click.option("--spec", metavar="FILE", help="model.yaml that is not beside the model.")
@json_option
def add(name: str, file: str, spec: str | None, as_json: bool) -> None:
    """Copy an .onnx file into the store as the next version of NAME. The same file again is the same version."""
    from scoring.pipeline.prepare import find_model, register

    _check_name(name)
    with open_session() as context:
        # Absolute: a path even where a model of that name is registered.
        found = find_model(context, str(Path(file).absolute()), spec)
        version = register(context, replace(found, name=name))
    if as_json:
        print_json(_facts(version))
    else:
        say(f"model {version.name}:{version.version} is registered")


@model.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List all versions of all models, the newest of each first."""
    from scoring.ledger import models

    with open_ledger() as ledger:
        rows = [_facts(version) for version in ledger.look(models.list_models)]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, ("name", "version", "aliases", "created_at", "sha256"), empty="no model is registered")


@model.command()
@click.argument("reference", metavar="MODEL")
@json_option
def show(reference: str, as_json: bool) -> None:
    """Show one version: digest, file, inputs, outputs, spec."""
    from scoring.ledger import models

    with open_ledger() as ledger:
        version = ledger.look(lambda tx: models.find_model(tx, reference))
    facts = {**_facts(version), "signature": version.signature, "spec": version.spec}
    if as_json:
        print_json(facts)
        return
    print_facts(_facts(version))
    click.echo(json.dumps({"signature": version.signature, "spec": version.spec}, indent=2, ensure_ascii=True))


@model.command()
@click.argument("name", metavar="NAME")
@click.argument("alias", metavar="ALIAS")
@click.option("--version", type=click.IntRange(min=1), metavar="N", help="Default: the newest version.")
@json_option
def alias(name: str, alias: str, version: int | None, as_json: bool) -> None:
    """Make NAME@ALIAS mean a version of model NAME from now on; an alias of another version moves."""
    from scoring.ledger import models

    _check_name(name)
    _check_name(alias, "an alias", "for example champion")

    def point(tx: "Tx") -> "ModelVersion":
        found = models.find_model(tx, name if version is None else f"{name}:{version}")
        models.set_alias(tx, name, alias, found.version)
        return models.find_model(tx, f"{name}@{alias}")

    with open_ledger() as ledger:
        named = ledger.run(point)
    if as_json:
        print_json(_facts(named))
    else:
        say(f"model {name}@{alias} is {name}:{named.version} from now on")


def _check_name(
    name: str, what: str = "the name of a model", remedy: str = "for example churn; a version is added by itself"
) -> None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name) or name.endswith(".onnx"):
        raise UsageError(
            what,
            expected="letters, digits, `_`, `-` and `.`, and no .onnx at its end",
            got=repr(name),
            remedy=remedy,
        )


def _facts(version: "ModelVersion") -> Row:
    return {
        "name": version.name,
        "version": version.version,
        "aliases": list(version.aliases),
        "sha256": version.sha256,
        "path": version.path,
        "created_at": version.created_at,
    }
