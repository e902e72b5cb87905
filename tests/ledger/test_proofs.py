"""What is known of a model's answers on one runtime and another."""

from dataclasses import replace

from scoring.core.parity import PROVIDER, Proof, reference_key
from scoring.ledger import models, proofs, reports
from scoring.ledger.records import Attachment, ModelVersion, Reference
from tests.ledger.desk import Desk

ROWS = Reference(
    path="models/c/parity.parquet",
    sha256="c" * 64,
    rows=500,
    rows_with_nulls=37,
    tolerance=1e-5,
    columns=("label", "p_1"),
)
PROOF = Proof(
    reference=reference_key(ROWS.sha256, ROWS.tolerance),
    runtime="1.32.0",
    provider=PROVIDER,
    passed=True,
    tolerance=1e-5,
    max_difference=1.2e-7,
    worst="row 3",
    rows=500,
    rows_with_nulls=37,
    columns=("label", "p_1"),
)


def churn(desk: Desk) -> ModelVersion:
    """A version with reference rows."""
    number = desk.model()
    desk.run(lambda tx: proofs.attach(tx, number, Attachment(parity=ROWS)))
    return desk.ledger.look(lambda tx: models.find_model(tx, "churn"))


def test_a_proof_is_known_of_its_runtime_alone(desk: Desk) -> None:
    """Another version of the runtime, other rows or another tolerance are not proven by it."""
    version = churn(desk)
    assert ROWS == version.parity
    assert None is desk.ledger.look(lambda tx: proofs.find(tx, version, "1.32.0", PROVIDER))
    kept = desk.run(lambda tx: proofs.record(tx, version.id, PROOF))
    assert replace(PROOF, checked_at=kept.checked_at) == kept
    assert kept == desk.ledger.look(lambda tx: proofs.find(tx, version, "1.32.0", PROVIDER))
    assert None is desk.ledger.look(lambda tx: proofs.find(tx, version, "1.33.0", PROVIDER))
    looser = replace(version, parity=replace(ROWS, tolerance=1e-4))
    assert None is desk.ledger.look(lambda tx: proofs.find(tx, looser, "1.32.0", PROVIDER))


def test_a_later_check_replaces_an_earlier_one(desk: Desk) -> None:
    """One row per pair: what is true of it now."""
    version = churn(desk)
    desk.run(lambda tx: proofs.record(tx, version.id, replace(PROOF, passed=False, max_difference=None)))
    desk.run(lambda tx: proofs.record(tx, version.id, PROOF))
    desk.run(lambda tx: proofs.record(tx, version.id, replace(PROOF, runtime="1.33.0")))
    assert ["1.33.0", "1.32.0"] == [proof.runtime for proof in desk.ledger.look(lambda tx: proofs.proofs(tx, version))]
    columns, rows = desk.ledger.look(lambda tx: reports.view(tx, "parity_checks"))
    told = [dict(zip(columns, row, strict=True)) for row in rows]
    assert [("churn", 1, True, 37)] * 2 == [
        (row["model"], row["version"], row["passed"], row["rows_with_nulls"]) for row in told
    ]


def test_a_proof_is_told_in_one_sentence(desk: Desk) -> None:
    """The last check; nothing of a version without reference rows, or whose rows were never checked."""
    version = churn(desk)
    assert None is desk.ledger.look(lambda tx: proofs.proof_sentence(tx, version))
    desk.run(lambda tx: proofs.record(tx, version.id, PROOF))
    wanted = "proven on onnxruntime 1.32.0 CPU, max |Δ| 1.2e-7 over 500 rows, 37 with nulls, of label, p_1"
    assert wanted == desk.ledger.look(lambda tx: proofs.proof_sentence(tx, version))
    failed = replace(PROOF, runtime="1.33.0", passed=False, rows_with_nulls=0, worst="row 3: expected 1, got 2")
    desk.run(lambda tx: proofs.record(tx, version.id, failed))
    wanted = (
        "refuted on onnxruntime 1.33.0 CPU, max |Δ| 1.2e-7 over 500 rows, none with nulls, of label, p_1; "
        "row 3: expected 1, got 2; proven on 1.32.0"
    )
    assert wanted == desk.ledger.look(lambda tx: proofs.proof_sentence(tx, version))
    assert None is desk.ledger.look(lambda tx: proofs.proof_sentence(tx, replace(version, parity=None)))
