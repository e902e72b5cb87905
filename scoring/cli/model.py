"""model add, list, show, alias, remove: the registry."""

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scoring.cli.lazy import PlainGroup
from scoring.cli.model_facts import print_version, summary
from scoring.cli.model_parity import parity
from scoring.cli.options import json_option
from scoring.cli.output import print_json, print_table, say
from scoring.cli.session import open_ledger, open_session
from scoring.core.errors import UsageError

if TYPE_CHECKING:
    from scoring.ledger.database import Tx
    from scoring.ledger.records import ModelVersion


@click.group(cls=PlainGroup, short_help="Register models, list, name and remove them.")
def model() -> None:
    """Register models, list, name and remove them.

    A MODEL is name (its newest version), name:3 or name@alias.
    """


model.add_command(parity)


@model.command()
@click.argument("name", metavar="NAME")
@click.argument("file", metavar="FILE")
@click.option("--spec", metavar="FILE", help="model.yaml that is not beside the model.")
@click.option("--alias", metavar="ALIAS", help="NAME@ALIAS is this version from now on.")
@click.option("--parity", metavar="FILE", help="Rows with the training model's own answers: checked now and later.")
@click.option("--tolerance", type=float, metavar="T", help="Largest relative difference of --parity; default 1e-5.")
@click.option("--baseline", metavar="FILE", help="Rows that later batches are compared with.")
@json_option
def add(name: str, file: str, alias: str | None, as_json: bool, **given: Any) -> None:
    """Check a model and copy it into the store as the next version of NAME; the same model is the same version.

    FILE is an .onnx file, or a folder that MLflow wrote with the flavour onnx.
    """
    from scoring.pipeline import registry
    from scoring.pipeline.model_files import find_file
    from scoring.pipeline.reference import ReferenceFiles

    _check_name(name)
    if alias is not None:
        _check_alias(alias)
    references = ReferenceFiles(
        parity=_maybe_path(given["parity"]), tolerance=given["tolerance"], baseline=_maybe_path(given["baseline"])
    )
    with open_session() as context:
        found = find_file(context, file, given["spec"])
        version = registry.add(context, replace(found, name=name), references, alias)
    if as_json:
        print_json(summary(version))
    else:
        say(f"model {version} is registered" + (f" as {name}@{alias}" if alias else ""))


@model.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List all versions of all models, the newest of each first."""
    from scoring.ledger import models

    with open_ledger() as ledger:
        rows = [summary(version) for version in ledger.look(models.list_models)]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, ("name", "version", "aliases", "created_at", "sha256"), empty="no model is registered")


@model.command()
@click.argument("reference", metavar="MODEL")
@json_option
def show(reference: str, as_json: bool) -> None:
    """Show one version: what it wants and gives, where it is from, what is proven of it, what became of its jobs."""
    from scoring.cli.model_facts import facts
    from scoring.ledger import models

    with open_ledger() as ledger:
        known = ledger.look(lambda tx: facts(tx, models.find_model(tx, reference)))
    if as_json:
        print_json(known)
    else:
        print_version(known)


@model.command()
@click.argument("name", metavar="NAME")
@click.argument("alias", metavar="ALIAS")
@click.option("--version", type=click.IntRange(min=1), metavar="N", help="Default: the newest version.")
@click.option("--drop", is_flag=True, help="NAME@ALIAS means nothing any more.")
@json_option
def alias(name: str, alias: str, version: int | None, drop: bool, as_json: bool) -> None:
    """Make NAME@ALIAS mean a version of model NAME from now on; an alias of another version moves."""
    from scoring.ledger import models

    _check_name(name)
    _check_alias(alias)
    if drop and version is not None:
        raise UsageError("--drop", expected="no --version beside it", got=f"--version {version}", remedy="give one")

    def point(tx: "Tx") -> "ModelVersion":
        if drop:
            return models.drop_alias(tx, name, alias)
        found = models.find_model(tx, name if version is None else f"{name}:{version}")
        models.set_alias(tx, name, alias, found.version)
        return models.find_model(tx, f"{name}@{alias}")

    with open_ledger() as ledger:
        named = ledger.run(point)
    if as_json:
        print_json(summary(named))
    else:
        now = "means nothing" if drop else f"is {named}"
        say(f"model {name}@{alias} {now} from now on")


@model.command()
@click.argument("reference", metavar="NAME[:VERSION]")
@json_option
def remove(reference: str, as_json: bool) -> None:
    """Take a version, or all versions of NAME, out of the registry and its files out of the store.

    Refused while a live job, a schedule or an alias uses it. What its jobs have written stays.
    """
    from scoring.pipeline import registry

    with open_session() as context:
        removed = registry.remove(context, reference)
    if as_json:
        print_json([summary(version) for version in removed])
    else:
        for version in removed:
            say(f"model {version} is removed")


def _maybe_path(given: str | None) -> Path | None:
    return None if given is None else Path(given).absolute()


def _check_alias(alias: str) -> None:
    _check_name(alias, "an alias", "for example champion")


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
