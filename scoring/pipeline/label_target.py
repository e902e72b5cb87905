"""A job whose rows can be labelled: what of it is read, and what is measured."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from scoring.core.binding import Prediction
from scoring.core.errors import InputMissing, InputRefused, UsageError
from scoring.core.late_labels import ROW_KEY
from scoring.core.states import JobState
from scoring.data.arrays import Ints, values_of
from scoring.data.label_keys import comparable
from scoring.data.label_revisions import LateLabels
from scoring.data.parts import locate, read_part
from scoring.ledger import parts
from scoring.ledger.database import Ledger
from scoring.ledger.labels import purged
from scoring.ledger.records import CommittedPart, Job
from scoring.model.measure import label_column
from scoring.model.prediction import find_prediction
from scoring.model.signature import Signature
from scoring.model.spec import ModelSpec
from scoring.model.truth import LabelForm, label_texts
from scoring.pipeline.results import has_result, open_result


@dataclass(frozen=True, kw_only=True)
class Target:
    """A succeeded job with its result in place."""

    job: Job
    # In chunk order: figures are merged in it.
    parts: tuple[CommittedPart, ...]
    prediction: Prediction

    @property
    def form(self) -> LabelForm:
        return LabelForm.of(self.prediction)


@dataclass(frozen=True, kw_only=True)
class LabelledPart:
    """One part with the labels of its rows."""

    part: CommittedPart
    # The columns that were asked for, and `_row`.
    batch: pa.RecordBatch
    # Position of each row in the job's input.
    rows: Ints
    # Text [n]; null where the row has no label.
    labels: pa.Array


def find_target(ledger: Ledger, job: Job, key: str) -> Target:
    """Raises UsageError for a job without a result, InputMissing where it is gone, InputRefused for another key."""
    if job.state is not JobState.SUCCEEDED:
        raise UsageError(
            f"job {job.id} cannot be labelled",
            expected="a job that has succeeded",
            got=f"a job that is {job.state}",
            remedy=_HINT[job.state],
        )
    if job.purged_at is not None:
        raise purged(job.id)
    if not has_result(job):
        raise InputMissing(f"the result of job {job.id} is gone", got=job.output, remedy="restore the folder")
    open_result(job)  # says which part is missing
    _require_key(job, key)
    committed = ledger.look(lambda tx: parts.committed_parts(tx, job.id))
    return Target(job=job, parts=tuple(committed), prediction=_prediction(job))


def key_type(target: Target, key: str) -> pa.DataType:
    """Type of the key column in the result."""
    if key == ROW_KEY:
        return pa.int64()
    first = next(iter(target.parts), None)
    return pa.string() if first is None else comparable(_read(target, first, [key]).column(key), key).type


def labelled_parts(target: Target, files: Sequence[Path], columns: Sequence[str]) -> Iterator[LabelledPart]:
    """Part after part, with the labels of the input and of the revisions in `files`: the latest wins in each row."""
    late = LateLabels(files)
    label = label_column(target.job.binding)
    for part in target.parts:
        batch = _read(target, part, [ROW_KEY, *columns, *([label] if label else [])])
        rows = values_of(batch.column(ROW_KEY))
        of_input = label_texts(batch.column(label), target.form) if label else None
        yield LabelledPart(part=part, batch=batch, rows=rows, labels=late.align(rows, of_input))


def keyed_rows(target: Target, key: str, files: Sequence[Path]) -> Iterator[pa.RecordBatch]:
    """`key`, `_row`, and `labelled`: whether the row has a label by now. At least one batch."""
    names = ["key", ROW_KEY, "labelled"]
    for piece in labelled_parts(target, files, [key]):
        columns = (comparable(piece.batch.column(key), key), piece.batch.column(ROW_KEY), pc.is_valid(piece.labels))
        yield pa.RecordBatch.from_arrays(list(columns), names=names)
    if not target.parts:
        types = (key_type(target, key), pa.int64(), pa.bool_())
        yield pa.RecordBatch.from_arrays([pa.nulls(0, kind) for kind in types], names=names)


def _read(target: Target, part: CommittedPart, columns: Sequence[str]) -> pa.RecordBatch:
    return read_part(locate(Path(target.job.output), part.files.part), list(dict.fromkeys(columns)))


def _require_key(job: Job, key: str) -> None:
    known = [*job.options.key, ROW_KEY]
    if key not in known:
        close = get_close_matches(key, known, n=1)
        raise InputRefused(
            f"job {job.id} has no key {key!r}",
            expected="a column given with --key at its submit, or _row",
            got=", ".join(known),
            remedy=f"did you mean {close[0]!r}?" if close else "use one of these",
        )


def _prediction(job: Job) -> Prediction:
    if job.binding.prediction is not None:
        return job.binding.prediction
    signature, spec = Signature.from_json(job.model.signature), ModelSpec.from_json(job.model.spec)
    # As it would have been bound with a label: says why nothing can be measured.
    labelled = replace(job.options, label="label")
    found = find_prediction(signature, spec, job.binding.outputs, labelled)
    if found is None:
        raise InputRefused(f"nothing of job {job.id} can be measured", remedy="score it again with --task")
    return found


_HINT = {
    JobState.ACCEPTED: "`scoring wait` for it, then attach the labels",
    JobState.RUNNING: "`scoring wait` for it, then attach the labels",
    JobState.FINALIZING: "`scoring wait` for it, then attach the labels",
    JobState.FAILED: "`scoring retry` scores what failed again",
    JobState.CANCELLED: "cancelled is final; submit the job again",
}
