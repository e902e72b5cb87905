"""What a model's answers to its reference rows are worth, as a proof and as an error."""

import math
from collections.abc import Sequence

from scoring.core.errors import ModelRefused, ScoringError
from scoring.core.parity import PROVIDER, Proof, reference_key, short
from scoring.ledger.records import ModelContent, ModelVersion, Reference
from scoring.model.compare import Comparison, Worst
from scoring.model.runner import runtime_version


def proof_of(compared: Comparison, reference: Reference) -> Proof:
    """What the runtime of this process has shown, as the ledger keeps it."""
    return Proof(
        reference=reference_key(reference.sha256, reference.tolerance),
        runtime=runtime_version(),
        provider=PROVIDER,
        passed=compared.passed,
        tolerance=reference.tolerance,
        max_difference=compared.max_difference,
        worst=in_words(compared, reference),
        rows=reference.rows,
        rows_with_nulls=reference.rows_with_nulls,
        columns=reference.columns,
    )


def in_words(compared: Comparison, reference: Reference) -> str | None:
    """The worst answer, and how many rows are off; None where nothing differs. Rows are counted from 1."""
    worst = compared.worst
    if worst is None:
        return None
    by = "" if worst.difference is None else f", which differs by {short(worst.difference)}"
    off = "" if compared.passed else f" ({_rows(compared, reference.rows)})"
    return (
        f"row {worst.row + 1}, column {worst.column!r}: expected {worst.expected}{_within(worst, reference.tolerance)}"
        f", got {worst.got}{by}{off}"
    )


def refuted(model: ModelContent, compared: Comparison, rows: int, tolerance: float) -> ModelRefused:
    """What a person is told who attaches reference rows that the model answers otherwise."""
    expected, got = f"an answer to every row, within {short(tolerance)}", "other answers"
    worst, remedy = compared.worst, "compare how the model was exported"
    if worst is not None:
        expected = f"{worst.expected}{_within(worst, tolerance)} in row {worst.row + 1}, column {worst.column!r}"
        by = "" if worst.difference is None else f", a difference of {short(worst.difference)}"
        got = f"{worst.got}{by} ({_rows(compared, rows)})"
        if not math.isinf(worst.excess):
            remedy += "; --tolerance allows more, where that much does not matter"
    return ModelRefused(
        f"model {model} does not answer as the reference rows expect",
        expected=expected,
        got=f"{got}, on onnxruntime {runtime_version()}",
        remedy=remedy,
    )


def unanswered(model: ModelContent, error: ScoringError) -> ModelRefused:
    """What is told where the model, or its prepare function, fails on the rows."""
    return ModelRefused(
        f"model {model} does not answer its reference rows",
        expected="an answer to every row",
        got=f"{error}, on onnxruntime {runtime_version()}",
        remedy="nothing is proven or refuted by that: mend what failed, and try again",
    )


def unproven(version: ModelVersion, proof: Proof, known: Sequence[Proof]) -> ModelRefused:
    """What a job is told. known: all that was found of the version's reference."""
    good = ", ".join(other.runtime for other in known if other.passed)
    return ModelRefused(
        f"model {version} does not answer as its reference rows expect on onnxruntime {proof.runtime}",
        expected=f"the answers of the training model within {short(proof.tolerance)}"
        + (f", as on onnxruntime {good}" if good else ""),
        got=proof.worst or "other answers",
        remedy=("score with that runtime, or " if good else "")
        + f"register the model exported anew; `scoring model parity {version}` checks again",
    )


def _within(worst: Worst, tolerance: float) -> str:
    """Whole numbers and text are not allowed any difference."""
    return "" if math.isinf(worst.excess) else f" ± {short(tolerance)} · max(1, |expected|)"


def _rows(compared: Comparison, rows: int) -> str:
    return f"{compared.rows_beyond:,} of {rows:,} rows are off"
