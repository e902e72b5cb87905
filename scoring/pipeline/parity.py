"""The parity gate: a model with reference rows scores nothing on a runtime that answers them otherwise."""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from scoring.core.errors import BadOutput, ModelRefusedRows, UsageError
from scoring.core.parity import DEFAULT_TOLERANCE, PROVIDER, Proof, reference_key
from scoring.data.late_rejects import LateRows
from scoring.ledger import models, proofs
from scoring.ledger.database import Tx
from scoring.ledger.records import Attachment, ModelContent, ModelVersion, Reference
from scoring.model.abort import NEVER, Abort
from scoring.model.columns import part_batch
from scoring.model.compare import Comparison, compare
from scoring.model.hints import listed
from scoring.model.runner import DEFAULT_MICRO_BATCH, runtime_version
from scoring.pipeline.context import Context
from scoring.pipeline.features import with_features
from scoring.pipeline.model_store import write_if_kept
from scoring.pipeline.parity_verdict import proof_of, refuted, unanswered, unproven
from scoring.pipeline.reference import ReferenceFiles, ReferenceRows, keep_rows, kept_rows, read_rows
from scoring.telemetry import announce


def prove(context: Context, model: ModelContent, files: ReferenceFiles) -> Attachment:
    """Check a model of the store on reference rows, and keep these there: what the ledger is to be told of them.

    Raises ModelRefused where an answer differs by more than the tolerance, InputRefused and its kin for files that do
    not fit the model; then no rows were kept.
    """
    if files.tolerance is not None and files.parity is None:
        raise UsageError("--tolerance", expected="--parity FILE beside it", got="none", remedy="name the rows to check")
    rows = None if files.baseline is None else read_rows(context, model, files.baseline, answers=False)
    proven = Attachment()
    if files.parity is not None:
        proven = _prove(context, model, read_rows(context, model, files.parity), files.tolerance)
    return proven if rows is None else replace(proven, baseline=keep_rows(context, rows, "baseline"))


def require_proof(context: Context, version: ModelVersion, abort: Abort = NEVER) -> None:
    """Nothing where the version has no reference rows, or is proven on this runtime; else the check itself.

    What the answers were worth is recorded; a runtime that has failed once is refused without another try. Raises
    ModelRefused with the worst row, its difference and the tolerance; the reason of `abort` once that is set.
    """
    reference = version.parity
    if reference is None:
        return
    known = (version.id, reference_key(reference.sha256, reference.tolerance))
    if known in context.proven:
        return
    proof = context.ledger.look(lambda tx: proofs.find(tx, version, runtime_version(), PROVIDER))
    if proof is None:
        proof = check(context, version, reference, abort)
    if not proof.passed:
        raise unproven(version, proof, context.ledger.look(lambda tx: proofs.proofs(tx, version)))
    context.proven.add(known)


def check(context: Context, version: ModelVersion, reference: Reference, abort: Abort = NEVER) -> Proof:
    """Score the reference rows on this runtime, whatever is known of it, and record what the answers are worth.

    Raises ModelRefused where there are no answers; that is not recorded: a prepare function may fail for once.
    """
    compared = _compared(context, version, kept_rows(context, reference), reference.tolerance, abort)
    return context.ledger.run(lambda tx: proofs.record(tx, version.id, proof_of(compared, reference)))


def check_by_hand(
    context: Context, version: ModelVersion, *, file: Path | None = None, tolerance: float | None = None
) -> tuple[ModelVersion, Proof]:
    """Check the version on `file`, which holds its reference rows from now on if it passes, or on the rows that it has.

    Raises ModelRefused where it does not pass, UsageError where there are no rows.
    """
    if file is not None:
        return _prove_anew(context, version, read_rows(context, version, file), tolerance)
    reference = version.parity
    if reference is None:
        raise UsageError(
            f"model {version} has no reference rows",
            expected="rows with the answers of the training model",
            got="none",
            remedy="name a file with --file",
        )
    if tolerance is not None and tolerance != reference.tolerance:
        return _prove_anew(context, version, kept_rows(context, reference), tolerance)
    proof = check(context, version, reference)
    if not proof.passed:
        raise unproven(version, proof, [])
    return version, proof


def _tolerance(given: float | None) -> float:
    if given is None:
        return DEFAULT_TOLERANCE
    if not math.isfinite(given) or given < 0:
        raise UsageError("--tolerance", expected="0 or more", got=str(given), remedy="for example --tolerance 1e-4")
    return given


def _prove_anew(
    context: Context, version: ModelVersion, rows: ReferenceRows, tolerance: float | None
) -> tuple[ModelVersion, Proof]:
    """The version with these rows as its reference; ModelRefused, and nothing kept, where it answers otherwise."""
    while True:
        proven = _prove(context, version, rows, tolerance)
        attached = write_if_kept(context, proven.files, partial(_attach, version_id=version.id, proven=proven))
        if attached is not None:
            return attached


def _attach(tx: Tx, *, version_id: int, proven: Attachment) -> tuple[ModelVersion, Proof]:
    models.hold(tx, version_id)
    proofs.attach(tx, version_id, proven)
    version = models.version_by_id(tx, version_id)
    return version, proofs.proofs(tx, version)[0]


def _prove(context: Context, model: ModelContent, rows: ReferenceRows, tolerance: float | None) -> Attachment:
    allowed = _tolerance(tolerance)
    compared = _compared(context, model, rows, allowed, NEVER)
    if not compared.passed:
        raise refuted(model, compared, rows.features.num_rows, allowed)
    if rows.idle:
        announce("parity.idle_columns", model=str(model), columns=listed(rows.idle))
    if rows.takes_nulls and not rows.rows_with_nulls:
        announce("parity.no_nulls", model=str(model), rows=rows.features.num_rows)
    reference = keep_rows(context, rows, "parity", allowed)
    return Attachment(parity=reference, proof=proof_of(compared, reference))


def _compared(context: Context, model: ModelContent, rows: ReferenceRows, tolerance: float, abort: Abort) -> Comparison:
    try:
        answers = _answers(context, model, rows, abort)
    except (BadOutput, ModelRefusedRows) as error:
        raise unanswered(model, error) from error
    return compare(answers, rows.expected, tolerance)


def _answers(context: Context, model: ModelContent, rows: ReferenceRows, abort: Abort) -> Mapping[str, pa.Array]:
    """Result column → its values, as a job of the model would write them."""
    places = np.arange(rows.features.num_rows, dtype=np.int64)
    late = LateRows(batch=rows.features, rows=places, warnings=())
    late = with_features(context, rows.binding, late, abort)
    if late.rejects:
        first = late.rejects[0]
        raise ModelRefusedRows(
            f"row {first.row + 1} cannot be scored after the prepare function", got=f"{first.code}, {first.reason}"
        )
    outputs = context.models.of(model).predict(late.batch, rows.binding, DEFAULT_MICRO_BATCH, abort)
    result = part_batch(places, late.batch, outputs, rows.binding)
    return {name: result.column(name) for name in rows.expected}
