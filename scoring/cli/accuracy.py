"""accuracy: how good a batch was, how that ripened with its labels, and how batches compare over time."""

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import click

from scoring.cli.chart import chart
from scoring.cli.durations import point_in_time
from scoring.cli.options import json_option
from scoring.cli.output import print_json, print_table
from scoring.cli.session import open_ledger
from scoring.core.errors import UsageError
from scoring.core.late_labels import Ripeness

if TYPE_CHECKING:
    from scoring.ledger.database import Ledger

Record = dict[str, Any]

MAIN_METRICS = ("accuracy", "roc_auc", "f1", "macro_f1", "log_loss", "mae", "rmse", "r2")
"""Shown over time without --metric; each task has some of them."""


@click.command(short_help="Show the metrics of a job, of its chunks, or over time.")
@click.argument("job", metavar="[JOB]", required=False)
@click.option("--model", metavar="NAME", help="All jobs of this model over time.")
@click.option("--by", type=click.Choice(["chunk"]), help="One line per chunk.")
@click.option("--history", is_flag=True, help="How the figures changed as labels came in.")
@click.option("--metric", "metrics", multiple=True, metavar="M", help="Only this metric; repeatable.")
@click.option("--since", metavar="TIME", help="With --model: batches from then on: 7d, 2026-01-31.")
@json_option
def accuracy(
    job: str | None,
    model: str | None,
    by: str | None,
    history: bool,
    metrics: tuple[str, ...],
    since: str | None,
    as_json: bool,
) -> None:
    """Show how accurate a batch was, exact over all its labelled rows; without JOB and --model the last one.

    With --model: the batches of a model over time, as a table and as a chart.
    """
    _check(job, model, by, history, since)
    start = point_in_time("--since", since, now=datetime.now(UTC))
    with open_ledger() as ledger:
        figures = _of_model(ledger, model, start) if model is not None else _of_job(ledger, job or "last", by, history)
        nothing = _why_nothing(ledger, model, start) if model is not None and not figures else ""
    figures = _chosen(figures, metrics)
    if as_json:
        print_json(figures)
    elif model is not None:
        _print_batches(figures, metrics or MAIN_METRICS, nothing)
    elif history:
        _print_history(figures)
    else:
        _print_figures(figures)


def _check(job: str | None, model: str | None, by: str | None, history: bool, since: str | None) -> None:
    beside = job or (f"--by {by}" if by else "") or ("--history" if history else "")
    if model is not None and beside:
        raise UsageError("--model", expected="neither JOB nor --by nor --history", got=beside, remedy="give one")
    if by is not None and history:
        raise UsageError("--history", expected="no --by beside it", got=f"--by {by}", remedy="give one")
    if since is not None and model is None:
        raise UsageError("--since", expected="--model beside it", got="none", remedy="name the model")


def _of_job(ledger: "Ledger", reference: str, by: str | None, history: bool) -> list[Record]:
    from scoring.ledger import jobs, reports

    found = ledger.look(lambda tx: jobs.find_job(tx, reference))
    ask = reports.history if history else reports.chunk_figures if by == "chunk" else reports.job_figures
    return [{"job_id": found.id, **figure} for figure in ledger.look(lambda tx: ask(tx, found.id))]


def _of_model(ledger: "Ledger", model: str, since: datetime | None) -> list[Record]:
    """Rows of `batch_accuracy`, the newest batch first."""
    from scoring.ledger import models, reports

    version = ledger.look(lambda tx: models.find_model(tx, model))
    found = ledger.look(lambda tx: reports.model_figures(tx, version.name))
    figures = [figure for figure in found if figure["finished_at"] is not None]
    if since is not None:
        figures = [figure for figure in figures if _time(figure) >= since]
    return sorted(figures, key=lambda figure: (_time(figure), figure["job_id"], figure["metric"]), reverse=True)


def _why_nothing(ledger: "Ledger", model: str, since: datetime | None) -> str:
    """Said of a model without figures: that nothing was scored, or that nothing is labelled."""
    from scoring.ledger import labels, models

    if since is None:
        return "no accuracy: no batch of the model has a label yet"
    name = ledger.look(lambda tx: models.find_model(tx, model)).name
    there = ledger.look(lambda tx: labels.jobs_in_window(tx, name, since))
    start = f"{since.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return f"no accuracy: no batch since {start} has a label yet" if there else f"no batch of the model since {start}"


def _time(figure: Record) -> datetime:
    """The batch's place in time: its slot, or its end where it has none."""
    time: datetime = figure["slot"] or figure["finished_at"]
    return time


def _chosen(figures: list[Record], metrics: Sequence[str]) -> list[Record]:
    present = list(dict.fromkeys(figure["metric"] for figure in figures))
    for wanted in metrics:
        if present and wanted not in present:
            close = get_close_matches(wanted, present, n=1)
            raise UsageError(
                "--metric",
                expected=" or ".join(present),
                got=repr(wanted),
                remedy=f"did you mean {close[0]}?" if close else "choose one of them",
            )
    return [figure for figure in figures if not metrics or figure["metric"] in metrics]


def _print_batches(figures: list[Record], metrics: Sequence[str], empty: str) -> None:
    batches: dict[str, Record] = {}
    for figure in figures:
        batch = batches.setdefault(figure["job_id"], {**figure, "time": _time(figure)})
        batch["status"] = Ripeness.of(figure["coverage"])
        batch[figure["metric"]] = figure["value"]
    shown = [metric for metric in metrics if any(metric in batch for batch in batches.values())]
    columns = ["time", "job_id", "version", "rows", "coverage", "status", *shown]
    print_table(batches.values(), columns, empty=empty)
    if len(batches) > 1:
        oldest_first = list(reversed(batches.values()))
        lines = chart({metric: [batch.get(metric) for batch in oldest_first] for metric in shown}, _width())
        click.echo("\n" + "\n".join(lines))


def _print_history(figures: list[Record]) -> None:
    revisions: dict[int, Record] = {}
    for figure in figures:
        revisions.setdefault(figure["revision"], dict(figure))[figure["metric"]] = figure["value"]
    metrics = dict.fromkeys(figure["metric"] for figure in figures)
    columns = ["revision", "measured_at", "rows", "coverage", "status", *metrics]
    print_table(revisions.values(), columns, empty="no history: the job has never had a label")


def _print_figures(figures: list[Record]) -> None:
    columns = ["metric", "value", "rows", "coverage", "reason"]
    if len({figure.get("chunk") for figure in figures}) > 1:
        columns.insert(0, "chunk")
    if any(figure.get("bound") for figure in figures):
        columns.append("bound")
    shown = [figure for figure in figures if not figure.get("detail")]
    print_table(shown, columns, empty="no accuracy: the job had no --label, or has not ended; see `scoring labels`")
    for figure in figures:
        if figure.get("detail"):
            _print_matrix(figure["detail"])


def _print_matrix(detail: Record) -> None:
    click.echo("\nconfusion matrix (rows: truth, columns: predicted)")
    labels = [str(label) for label in detail["labels"]]
    lines = [
        {"": label, **dict(zip(labels, counts, strict=True))}
        for label, counts in zip(labels, detail["counts"], strict=True)
    ]
    print_table(lines, ["", *labels])


def _width() -> int:
    return shutil.get_terminal_size().columns
