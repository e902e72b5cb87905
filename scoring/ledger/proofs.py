"""Reference rows of model versions, and what came of scoring them with one runtime or another."""

from typing import Any

from sqlalchemy import Row, select, update

from scoring.core.parity import Proof, reference_key
from scoring.ledger.clock import instant, now_us
from scoring.ledger.database import Tx, insert_or_nothing
from scoring.ledger.records import Attachment, ModelVersion, Reference
from scoring.ledger.tables import model_versions, parity_proofs


def record(tx: Tx, version_id: int, proof: Proof) -> Proof:
    """Nothing, or an earlier proof of the same rows on the same runtime → this one, as the ledger has it."""
    named = {"reference": proof.reference, "runtime": proof.runtime, "provider": proof.provider}
    found = {
        "passed": proof.passed,
        "tolerance": proof.tolerance,
        "max_difference": proof.max_difference,
        "worst": proof.worst,
        "rows": proof.rows,
        "rows_with_nulls": proof.rows_with_nulls,
        "checked_at": now_us(),
    }
    own = parity_proofs.c.model_version_id == version_id
    for name, value in named.items():
        own &= parity_proofs.c[name] == value
    if tx.execute(update(parity_proofs).where(own).values(found)).rowcount == 0:
        # Of two processes that have checked the same at once, both say the same.
        tx.execute(insert_or_nothing(tx, parity_proofs).values(model_version_id=version_id, **named, **found))
    return _proof(tx.execute(select(parity_proofs).where(own)).one(), proof.columns)


def find(tx: Tx, version: ModelVersion, runtime: str, provider: str) -> Proof | None:
    """What is known of the version's reference on that runtime; None where it was not checked there."""
    if version.parity is None:
        return None
    query = _of(version.id, version.parity).where(
        parity_proofs.c.runtime == runtime, parity_proofs.c.provider == provider
    )
    row = tx.execute(query).one_or_none()
    return None if row is None else _proof(row, version.parity.columns)


def proofs(tx: Tx, version: ModelVersion) -> list[Proof]:
    """What is known of the version's reference, the last check first."""
    if version.parity is None:
        return []
    return [_proof(row, version.parity.columns) for row in tx.execute(_of(version.id, version.parity))]


def proof_sentence(tx: Tx, version: ModelVersion) -> str | None:
    """The last check in words, such as "proven on onnxruntime 1.32.0 CPU, …", and what is known of other runtimes.

    None where nothing was checked.
    """
    found = proofs(tx, version)
    others = [f"; {'proven' if proof.passed else 'refuted'} on {proof.runtime}" for proof in found[1:]]
    return str(found[0]) + "".join(others) if found else None


def attach(tx: Tx, version_id: int, attachment: Attachment) -> None:
    """From now on these rows are the version's, with the proof beside them."""
    named = {"parity": attachment.parity, "baseline": attachment.baseline}
    given = {name: reference.to_json() for name, reference in named.items() if reference is not None}
    if given:
        tx.execute(update(model_versions).where(model_versions.c.id == version_id).values(given))
    if attachment.proof is not None:
        record(tx, version_id, attachment.proof)


def _of(version_id: int, reference: Reference) -> Any:
    return (
        select(parity_proofs)
        .where(
            parity_proofs.c.model_version_id == version_id,
            parity_proofs.c.reference == reference_key(reference.sha256, reference.tolerance),
        )
        .order_by(parity_proofs.c.checked_at.desc(), parity_proofs.c.runtime.desc())
    )


def _proof(row: Row[Any], columns: tuple[str, ...]) -> Proof:
    return Proof(
        reference=row.reference,
        runtime=row.runtime,
        provider=row.provider,
        passed=row.passed,
        tolerance=row.tolerance,
        max_difference=row.max_difference,
        worst=row.worst,
        rows=row.rows,
        rows_with_nulls=row.rows_with_nulls,
        columns=columns,
        checked_at=instant(row.checked_at),
    )
