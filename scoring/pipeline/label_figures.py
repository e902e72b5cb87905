"""Figures by labels that came later: part by part in chunk order, with the code that measures while it scores."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scoring.core.accuracy.auc import Pair
from scoring.core.accuracy.figure import Figure
from scoring.core.accuracy.sums import Sums, exact_auc, figures, merge
from scoring.model.measure import late_pairs, measure_late, prediction_columns
from scoring.pipeline.label_target import LabelledPart, Target, labelled_parts


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Figures of a job; empty where it has no chunk."""

    figures: Sequence[Figure] = ()
    by_chunk: Mapping[int, Sequence[Figure]]


def measure_target(target: Target, files: Sequence[Path]) -> Measured:
    """The figures by the labels of the input and of the revisions in `files`, oldest first.

    To the last bit those that the same labels in the input would have given: sums are merged in chunk order.
    """
    by_chunk: dict[int, Sequence[Figure]] = {}
    merged: Sums | None = None
    for piece in _pieces(target, files):
        sums = _measured(target, piece)
        by_chunk[piece.part.chunk.chunk] = figures(sums, piece.part.files.rows_scored)
        merged = sums if merged is None else merge(merged, sums)
    if merged is None:
        return Measured(by_chunk={})
    exact = exact_auc(merged, _pairs(target, files))
    scored = sum(part.files.rows_scored for part in target.parts)
    return Measured(figures=figures(exact, scored), by_chunk=by_chunk)


def _pieces(target: Target, files: Sequence[Path]) -> Iterator[LabelledPart]:
    return labelled_parts(target, files, prediction_columns(target.job.binding, target.prediction))


def _measured(target: Target, piece: LabelledPart) -> Sums:
    job = target.job
    return measure_late(piece.batch, piece.labels, job.binding, target.prediction, job.options.threshold)


def _pairs(target: Target, files: Sequence[Path]) -> Iterator[Pair]:
    """The parts once more; only begun where the bins of roc_auc are too coarse."""
    for piece in _pieces(target, files):
        yield late_pairs(piece.batch, piece.labels, target.job.binding, target.prediction)
