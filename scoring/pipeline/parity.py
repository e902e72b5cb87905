"""The parity gate: a model with reference rows scores nothing on a runtime that answers them otherwise."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from scoring.core.errors import BadOutput, ModelRefusedRows, UsageError
from scoring.core.parity import DEFAULT_TOLERANCE, PROVIDER, Proof, reference_key
from scoring.data.late_rejects import LateRows
from scoring.ledger import proofs
from scoring.ledger.database import Tx
from scoring.ledger.records import ModelVersion, Reference
from scoring.model.abort import NEVER, Abort
from scoring.model.columns import part_batch
from scoring.model.compare import Comparison, compare
from scoring.model.runner import DEFAULT_MICRO_BATCH, runtime_version
from scoring.pipeline.context import Context
from scoring.pipeline.features import with_features
from scoring.pipeline.parity_verdict import proof_of, refuted, unanswered, unproven
from scoring.pipeline.reference import ReferenceRows, keep_rows, kept_rows, read_rows
from scoring.telemetry import announce


@dataclass(frozen=True, kw_only=True)
class Proven:
    """Reference rows that a version has answered rightly, kept in the store."""

    reference: Reference
    proof: Proof


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """Rows that were read and kept in the store for a version."""

    parity: Proven | None
    baseline: Reference | None


def attach(
    context: Context,
    version: ModelVersion,
    *,
    parity: Path | None = None,
    tolerance: float | None = None,
    baseline: Path | None = None,
) -> Attachment:
    """Check the model on the rows of `parity`, and keep them with the version; keep those of `baseline` as they are.

    tolerance: default 1e-5. Raises as `prove`; then nothing was written to the ledger.
    """
    attachment = prove(context, version, parity=parity, tolerance=tolerance, baseline=baseline)
    context.ledger.run(lambda tx: record(tx, version.id, attachment))
    return attachment


def prove(
    context: Context,
    version: ModelVersion,
    *,
    parity: Path | None = None,
    tolerance: float | None = None,
    baseline: Path | None = None,
) -> Attachment:
    """What `record` is to write; the version itself need not be recorded yet.

    Raises ModelRefused where an answer differs by more than the tolerance, InputRefused and its kin for files that do
    not fit the model; then no rows were kept.
    """
    if tolerance is not None and parity is None:
        raise UsageError("--tolerance", expected="--parity FILE beside it", got="none", remedy="name the rows to check")
    rows = None if baseline is None else read_rows(context, version, baseline, answers=False)
    proven = None if parity is None else _prove(context, version, read_rows(context, version, parity), tolerance)
    return Attachment(parity=proven, baseline=None if rows is None else keep_rows(context, rows, "baseline"))


def record(tx: Tx, version_id: int, attachment: Attachment) -> None:
    """The version has these rows from now on."""
    if attachment.parity is not None:
        _record_parity(tx, version_id, attachment.parity)
    if attachment.baseline is not None:
        proofs.set_baseline(tx, version_id, attachment.baseline)


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
            f"model {version.name}:{version.version} has no reference rows",
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
    proven = _prove(context, version, rows, tolerance)
    proof = context.ledger.run(lambda tx: _record_parity(tx, version.id, proven))
    return replace(version, parity=proven.reference), proof


def _record_parity(tx: Tx, version_id: int, proven: Proven) -> Proof:
    proofs.set_parity(tx, version_id, proven.reference)
    return proofs.record(tx, version_id, proven.proof)


def _prove(context: Context, version: ModelVersion, rows: ReferenceRows, tolerance: float | None) -> Proven:
    allowed = _tolerance(tolerance)
    compared = _compared(context, version, rows, allowed, NEVER)
    if not compared.passed:
        raise refuted(version, compared, rows.features.num_rows, allowed)
    if rows.takes_nulls and not rows.rows_with_nulls:
        announce("parity.no_nulls", model=f"{version.name}:{version.version}", rows=rows.features.num_rows)
    reference = keep_rows(context, rows, "parity", allowed)
    return Proven(reference=reference, proof=proof_of(compared, reference))


def _compared(
    context: Context, version: ModelVersion, rows: ReferenceRows, tolerance: float, abort: Abort
) -> Comparison:
    try:
        answers = _answers(context, version, rows, abort)
    except (BadOutput, ModelRefusedRows) as error:
        raise unanswered(version, error) from error
    return compare(answers, rows.expected, tolerance)


def _answers(context: Context, version: ModelVersion, rows: ReferenceRows, abort: Abort) -> Mapping[str, pa.Array]:
    """Result column → its values, as a job of the model would write them."""
    places = np.arange(rows.features.num_rows, dtype=np.int64)
    late = LateRows(batch=rows.features, rows=places, warnings=())
    late = with_features(context, rows.binding, late, abort)
    if late.rejects:
        first = late.rejects[0]
        raise ModelRefusedRows(
            f"row {first.row + 1} cannot be scored after the prepare function", got=f"{first.code}, {first.reason}"
        )
    outputs = context.models.of(version).predict(late.batch, rows.binding, DEFAULT_MICRO_BATCH, abort)
    result = part_batch(places, late.batch, outputs, rows.binding)
    return {name: result.column(name) for name in rows.expected}
