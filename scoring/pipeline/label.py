"""Labels that come later: read the file, join it to the results, keep it as a revision, measure anew.

A call that is killed leaves at most a revision that is not measured yet; the next one makes that good.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from scoring.core.errors import InputRefused, NotFound, ScoringError, UsageError
from scoring.core.ids import JobId
from scoring.core.late_labels import LabelCounts, Ripeness
from scoring.data.export import export
from scoring.data.label_revisions import store_labels
from scoring.data.spill import spill_folder
from scoring.ledger import jobs, labels, models, reports
from scoring.pipeline.context import Context
from scoring.pipeline.label_figures import measure_target
from scoring.pipeline.label_source import LabelRequest, label_rows
from scoring.pipeline.label_target import Target, find_target, key_type, keyed_rows
from scoring.pipeline.prepare import input_roots
from scoring.query.labels import Given, Keys, LabelJoin, Matched

Form = TypeVar("Form")


@dataclass(frozen=True, kw_only=True)
class Attached:
    """What came of the labels for one job."""

    job_id: JobId
    # The revision that holds them.
    revision: int
    # False: these very labels were the newest revision already, and measured.
    changed: bool
    counts: LabelCounts
    unknown: Keys
    doubled: Keys
    rows_labelled: int
    # Labelled rows / scored rows; None where nothing was scored.
    coverage: float | None
    # Metric → value; the matrix is left out.
    metrics: Mapping[str, float | None]

    @property
    def status(self) -> Ripeness:
        return Ripeness.of(self.coverage)

    def facts(self) -> dict[str, Any]:
        """As `scoring labels --json` prints it."""
        return {
            "job_id": self.job_id,
            "revision": self.revision,
            "labels": self.counts.labels,
            "rows_labelled": self.rows_labelled,
            "coverage": self.coverage,
            "status": self.status.value,
            "unknown": {"count": self.unknown.count, "examples": list(self.unknown.examples)},
            "doubled": {"count": self.doubled.count, "examples": list(self.doubled.examples)},
            "replaced": self.counts.replaced,
            "shared": self.counts.shared,
            "metrics": dict(self.metrics),
        }


@dataclass(frozen=True, kw_only=True)
class Window:
    """What came of one file for the jobs of a window, oldest first."""

    # Jobs that have some of the keys.
    attached: Sequence[Attached]
    # Jobs that cannot be labelled by this key, and why.
    skipped: Mapping[JobId, str]


def attach(context: Context, reference: str, request: LabelRequest, unknown_to: Path | None = None) -> Attached:
    """Attach a file of labels to one job; its figures are those by all its labels from here on.

    unknown_to: a file to write the unknown keys to. Raises NotFound, UsageError, StorageFault, InputRefused and its
    kin.
    """
    job = context.ledger.look(lambda tx: jobs.find_job(tx, reference))
    target = find_target(context.ledger, job, request.columns.key)
    return _attach(context, [target], request, unknown_to, windowed=False)[0]


def attach_to_window(
    context: Context, model: str, since: datetime, request: LabelRequest, unknown_to: Path | None = None
) -> Window:
    """Attach one file to all jobs of a model whose slot, or end, lies after `since`; each keeps its own keys.

    A key is unknown if none of these jobs has it. Raises as `attach`, and NotFound where no job lies in the window.
    """
    name = context.ledger.look(lambda tx: models.find_model(tx, model)).name
    found = context.ledger.look(lambda tx: labels.jobs_in_window(tx, name, since))
    targets: list[Target] = []
    skipped: dict[JobId, ScoringError] = {}
    for job in found:
        try:
            targets.append(find_target(context.ledger, job, request.columns.key))
        except InputRefused as error:
            skipped[job.id] = error
    if not targets:
        raise next(iter(skipped.values()), None) or NotFound(
            f"no batch of model {name} in the window",
            expected=f"a job that succeeded since {since:%Y-%m-%d %H:%M} UTC",
            remedy="give a longer --window",
        )
    attached = _attach(context, targets, request, unknown_to, windowed=True)
    return Window(attached=attached, skipped={job_id: str(error) for job_id, error in skipped.items()})


def _attach(
    context: Context, targets: Sequence[Target], request: LabelRequest, unknown_to: Path | None, *, windowed: bool
) -> list[Attached]:
    key = request.columns.key
    form = _one({target.form for target in targets}, "predict labels of different kinds")
    kind = _one({key_type(target, key) for target in targets}, f"have {key!r} in different types")
    added: list[tuple[Target, labels.LabelRevision, bool]] = []
    with spill_folder(context.settings.home) as folder, LabelJoin(folder, kind) as join:
        given = join.give(label_rows(request, form, input_roots(context), folder))
        for target in targets:
            matched = join.match(keyed_rows(target, key, _files(context, target)))
            if matched.keys or not windowed:
                counts = _counts(given, matched, None if windowed else join.unknown().count)
                added.append((target, *_add(context, target, request, join, counts)))
        unknown = join.unknown()
        if unknown_to is not None:
            _export(unknown_to, request, join)
    # With the join closed: its memory is free again.
    return [_measure(context, target, revision, new, unknown, given.doubled) for target, revision, new in added]


def _counts(given: Given, matched: Matched, unknown: int | None) -> LabelCounts:
    """Of the file; of the job's own keys alone where the file was meant for several jobs."""
    return LabelCounts(
        labels=matched.keys if unknown is None else given.labels,
        unknown=unknown or 0,
        doubled=matched.doubled if unknown is None else given.doubled.count,
        replaced=matched.replaced,
        shared=matched.shared,
    )


def _add(
    context: Context, target: Target, request: LabelRequest, join: LabelJoin, counts: LabelCounts
) -> tuple[labels.LabelRevision, bool]:
    """The file first, whole, then its row: a row never names labels that are not there."""
    store = context.settings.store
    folder = store / "labels" / target.job.id
    stored = store_labels(folder, join.labels())
    new = labels.NewLabels(
        file=request.file,
        key_column=request.columns.key,
        label_column=request.columns.label,
        path=str((folder / stored.name).relative_to(store)),
        sha256=stored.sha256,
        counts=counts,
    )
    return context.ledger.run(lambda tx: labels.add_revision(tx, target.job.id, new))


def _measure(
    context: Context, target: Target, own: labels.LabelRevision, added: bool, unknown: Keys, doubled: Keys
) -> Attached:
    """Measure what is not measured yet, up to the job's own revision, earlier ones first: each has its history."""
    job_id, changed = target.job.id, added
    for revision in context.ledger.look(lambda tx: labels.revisions(tx, job_id, up_to=own.revision)):
        if revision.measured_at is None:
            files = _files(context, target, up_to=revision.revision)
            found = measure_target(target, files)
            changed = True
            context.ledger.run(
                partial(
                    labels.store_figures,
                    job_id=job_id,
                    revision=revision.revision,
                    figures=found.figures,
                    by_chunk=found.by_chunk,
                )
            )
    figures = context.ledger.look(lambda tx: reports.history(tx, job_id, revision=own.revision))
    return Attached(
        job_id=job_id,
        revision=own.revision,
        changed=changed,
        counts=own.labels.counts,
        unknown=unknown,
        doubled=doubled,
        rows_labelled=figures[0]["rows"] if figures else 0,
        coverage=figures[0]["coverage"] if figures else None,
        metrics={figure["metric"]: figure["value"] for figure in figures},
    )


def _files(context: Context, target: Target, up_to: int | None = None) -> list[Path]:
    found = context.ledger.look(lambda tx: labels.revisions(tx, target.job.id, up_to=up_to))
    return [context.settings.store / revision.labels.path for revision in found]


def _export(path: Path, request: LabelRequest, join: LabelJoin) -> None:
    schema = pa.schema([(request.columns.key, pa.string()), (request.columns.label, pa.string())])
    batches = (pa.RecordBatch.from_arrays(batch.columns, schema=schema) for batch in join.unknown_rows())
    export(path, schema, batches)


def _one(forms: set[Form], differ: str) -> Form:
    if len(forms) > 1:
        raise UsageError(
            f"the jobs of the window {differ}",
            expected="jobs that can share the labels of one file",
            got=" and ".join(sorted(map(str, forms))),
            remedy="give a shorter --window, or attach the file job by job",
        )
    return next(iter(forms))
