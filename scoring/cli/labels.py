"""labels: the truth that came later."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scoring.cli.durations import point_in_time
from scoring.cli.options import csv_options, json_option
from scoring.cli.output import print_facts, print_json, print_table, say
from scoring.cli.session import open_session
from scoring.core.arguments import job_options
from scoring.core.errors import UsageError

if TYPE_CHECKING:
    from scoring.pipeline.label import Attached, Window
    from scoring.pipeline.label_source import LabelRequest


@click.command(short_help="Attach ground truth that came later; accuracy is recomputed.")
@click.argument("target", metavar="[JOB] FILE", nargs=-1, required=True)
@click.option("--key", required=True, metavar="K", help="Column of FILE and of the result; _row always works.")
@click.option("--label", required=True, metavar="L", help="Column of FILE with the truth.")
@click.option("--model", metavar="NAME", help="In place of JOB: all batches of this model in the window.")
@click.option("--window", metavar="30d", help="With --model: how far back the batches lie, or a date.")
@click.option("--unknown", metavar="FILE.csv", help="Write all keys to it that no row of the result has.")
@csv_options
@json_option
def labels(
    target: tuple[str, ...],
    key: str,
    label: str,
    model: str | None,
    window: str | None,
    unknown: str | None,
    as_json: bool,
    **dialect: object,
) -> None:
    """Attach a file of labels (CSV, Parquet or JSON lines) to a job, or with --model and --window to several.

    Call it as often as labels come in: each call is kept, the latest label of a row wins.
    """
    from scoring.pipeline.label import attach, attach_to_window

    job, file = _target(target, model, window)
    since = point_in_time("--window", window, now=datetime.now(UTC))
    export = None if unknown is None else Path(unknown)
    request = replace(_request(file, key, label, dialect), unknown_to=export)
    with open_session() as context:
        if model is None or since is None:
            attached = attach(context, job, request)
            print_json(attached.facts()) if as_json else _print_one(attached)
        else:
            found = attach_to_window(context, model, since, request)
            print_json([one.facts() for one in found.attached]) if as_json else _print_window(found)


def _target(target: Sequence[str], model: str | None, window: str | None) -> tuple[str, str]:
    """(job, file); the job is "" with --model."""
    wanted = 1 if model is not None else 2
    if (model is None) != (window is None):
        missing, there = ("--window", "--model") if window is None else ("--model", "--window")
        raise UsageError(there, expected=f"{missing} beside it", got="neither", remedy="give both, or JOB and FILE")
    if len(target) != wanted:
        raise UsageError(
            "what to label",
            expected="FILE with --model and --window" if model else "JOB and FILE",
            got=" ".join(target),
            remedy="for example: scoring labels last truth.csv --key id --label churned",
        )
    return ("", target[0]) if model is not None else (target[0], target[1])


def _request(file: str, key: str, label: str, dialect: dict[str, object]) -> "LabelRequest":
    from scoring.data.label_files import LabelColumns
    from scoring.pipeline.label_source import LabelRequest

    # click gives an empty tuple where --na was not given.
    given = {name: value for name, value in dialect.items() if value not in (None, (), False)}
    return LabelRequest(file=file, columns=LabelColumns(key=key, label=label), dialect=job_options(**given).dialect)


def _print_one(attached: "Attached") -> None:
    if not attached.changed:
        say(f"these labels are revision {attached.revision} of job {attached.job_id} already: nothing has changed")
    shown = attached.facts()
    print_facts({name: value for name, value in shown.items() if name not in ("unknown", "doubled")})
    _say_keys(attached)


def _print_window(found: "Window") -> None:
    rows = [{**one.facts(), **one.metrics} for one in found.attached]
    metrics = dict.fromkeys(metric for one in found.attached for metric in one.metrics)
    columns = ["job_id", "revision", "labels", "rows_labelled", "coverage", "status", *metrics]
    print_table(rows, columns, empty="no batch of the window has any of these keys")
    for job_id, why in found.skipped.items():
        say(f"job {job_id} was left out: {why}")
    for one in found.attached[:1]:
        _say_keys(one)


def _say_keys(attached: "Attached") -> None:
    for what, keys in (("unknown", attached.unknown), ("doubled", attached.doubled)):
        if keys.count:
            more = ", …" if keys.count > len(keys.examples) else ""
            say(f"{keys.count:,} keys {what}: {', '.join(keys.examples)}{more}")
