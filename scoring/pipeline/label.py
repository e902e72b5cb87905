"""Labels that come later: read the file, join it to the results, keep it as a revision, measure anew.

A call that is killed leaves at most a revision that is not measured yet; the next one makes that good.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from scoring.core.errors import InputRefused, NotFound, UsageError
from scoring.core.ids import JobId
from scoring.core.late_labels import LabelCounts, Ripeness
from scoring.data.label_revisions import StoredLabels, store_labels
from scoring.data.spill import spill_folder
from scoring.ledger import jobs, labels, models, reports
from scoring.pipeline.context import Context
from scoring.pipeline.label_figures import measure_target
from scoring.pipeline.label_source import LabelRequest, label_rows
from scoring.pipeline.label_target import Target, find_target, key_type, keyed_rows
from scoring.pipeline.label_unknown import export_unknown, unknown_target
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


def attach(context: Context, reference: str, request: LabelRequest) -> Attached:
    """Attach a file of labels to one job; its figures are those by all its labels from here on.

    Raises NotFound, UsageError, StorageFault, InputRefused and its kin.
    """
    job = context.ledger.look(lambda tx: jobs.find_job(tx, reference))
    target = find_target(context.ledger, job, request.columns.key)
    return _attach(context, [target], request, windowed=False)[0]


def attach_to_window(context: Context, model: str, since: datetime, request: LabelRequest) -> Window:
    """Attach one file to all jobs of a model whose slot, or end, lies after `since`; each keeps its own keys.

    A key is unknown if none of these jobs has it. Raises as `attach`, and NotFound where no job lies in the window.
    """
    name = context.ledger.look(lambda tx: models.find_model(tx, model)).name
    targets: list[Target] = []
    skipped: dict[JobId, InputRefused] = {}
    for job in context.ledger.look(lambda tx: labels.jobs_in_window(tx, name, since)):
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
    attached = _attach(context, targets, request, windowed=True)
    return Window(attached=attached, skipped={job_id: str(error) for job_id, error in skipped.items()})


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """Labels of one job that the ledger has."""

    target: Target
    revision: labels.LabelRevision
    # Of this file.
    counts: LabelCounts
    # False: it had them before.
    added: bool


def _attach(context: Context, targets: Sequence[Target], request: LabelRequest, *, windowed: bool) -> list[Attached]:
    key = request.columns.key
    form = _one({target.form for target in targets}, "predict labels of different kinds")
    kind = _one({key_type(target, key) for target in targets}, f"have {key!r} in different types")
    unknown_to = unknown_target(context, [target.job for target in targets], request)
    kept: list[_Kept] = []
    with spill_folder(context.settings.home) as folder, LabelJoin(folder, kind) as join:
        with closing(label_rows(request, form, context.settings.input_roots, folder)) as rows:
            given = join.give(rows)
        for target in targets:
            matched = join.match(keyed_rows(target, key, _files(context, target)))
            if matched.keys or not windowed:
                counts = _counts(given, matched, None if windowed else join.unknown().count)
                stored = store_labels(_folder(context, target), join.labels())
                kept.append(_keep(context, target, _new(context, target, request, stored, counts)))
        unknown = join.unknown()
        if unknown_to is not None:
            export_unknown(unknown_to, request, join.unknown_rows())
    # With the join closed: its memory is free again.
    return [_attached(context, one, unknown, given.doubled) for one in kept]


def _counts(given: Given, matched: Matched, unknown: int | None) -> LabelCounts:
    """Of the file; of the job's own keys alone where the file was meant for several jobs."""
    return LabelCounts(
        labels=matched.keys if unknown is None else given.labels,
        unknown=unknown or 0,
        doubled=matched.doubled if unknown is None else given.doubled.count,
        replaced=matched.replaced,
        shared=matched.shared,
    )


def _new(
    context: Context, target: Target, request: LabelRequest, stored: StoredLabels, counts: LabelCounts
) -> labels.NewLabels:
    return labels.NewLabels(
        file=request.file,
        key_column=request.columns.key,
        label_column=request.columns.label,
        path=str((_folder(context, target) / stored.name).relative_to(context.settings.store)),
        sha256=stored.sha256,
        counts=counts,
    )


def _keep(context: Context, target: Target, new: labels.NewLabels) -> _Kept:
    """Its file lies in the store by now, whole: a row never names labels that are not there."""
    revision, added = context.ledger.run(lambda tx: labels.add_revision(tx, target.job.id, new))
    # The same labels, from this file or another one, have replaced what they had replaced before.
    counts = replace(new.counts, replaced=revision.labels.counts.replaced)
    return _Kept(target=target, revision=revision, counts=counts, added=added)


def _attached(context: Context, kept: _Kept, unknown: Keys, doubled: Keys) -> Attached:
    job_id, own = kept.target.job.id, kept.revision
    measured = _make_good(context, kept.target, own.revision)
    figures = context.ledger.look(lambda tx: reports.history(tx, job_id, revision=own.revision))
    return Attached(
        job_id=job_id,
        revision=own.revision,
        changed=kept.added or measured,
        counts=kept.counts,
        unknown=unknown,
        doubled=doubled,
        rows_labelled=figures[0]["rows"] if figures else 0,
        coverage=figures[0]["coverage"] if figures else None,
        metrics={figure["metric"]: figure["value"] for figure in figures},
    )


def _make_good(context: Context, target: Target, newest: int) -> bool:
    """Measure the revisions that are not measured yet, earlier ones first: each has its history. False: none was."""
    job_id = target.job.id
    found = context.ledger.look(lambda tx: labels.revisions(tx, job_id, up_to=newest))
    waiting = [revision.revision for revision in found if revision.measured_at is None]
    for number in waiting:
        measured = measure_target(target, _files(context, target, up_to=number))
        context.ledger.run(
            partial(
                labels.store_figures,
                job_id=job_id,
                revision=number,
                figures=measured.figures,
                by_chunk=measured.by_chunk,
            )
        )
    return bool(waiting)


def _folder(context: Context, target: Target) -> Path:
    return context.settings.store / "labels" / target.job.id


def _files(context: Context, target: Target, up_to: int | None = None) -> list[Path]:
    found = context.ledger.look(lambda tx: labels.revisions(tx, target.job.id, up_to=up_to))
    return [context.settings.store / revision.labels.path for revision in found]


def _one(forms: set[Form], differ: str) -> Form:
    if len(forms) > 1:
        raise UsageError(
            f"the jobs of the window {differ}",
            expected="jobs that can share the labels of one file",
            got=" and ".join(sorted(map(str, forms))),
            remedy="give a shorter --window, or attach the file job by job",
        )
    return next(iter(forms))
