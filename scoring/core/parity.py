"""What is known of a model's answers: proofs that it gives those of the training model on reference rows."""

import hashlib
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

DEFAULT_TOLERANCE = 1e-5
"""As |got − expected| ≤ tolerance · max(1, |expected|): what float32 and another order of sums may cost."""

MAX_REFERENCE_ROWS = 100_000
"""Rows of a reference: a sample proves as much, and all of them are scored at each new runtime."""

MAX_REFERENCE_BYTES = 512 * 2**20
"""Decoded bytes of a reference: it is scored in one piece."""

PROVIDER = "CPUExecutionProvider"
"""Where models run."""

_SHOWN = 12


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What came of scoring the reference rows with one runtime."""

    # Digest over the rows and the tolerance (`reference_key`).
    reference: str
    # Version of ONNX Runtime, and its execution provider.
    runtime: str
    provider: str
    passed: bool
    tolerance: float
    # Largest |got − expected|; None where no output is a number, or one is NaN or infinite and the other is not.
    max_difference: float | None
    # The row and column that differ most, in words; None where nothing differs.
    worst: str | None
    rows: int
    # Rows with a null in a column that feeds the model.
    rows_with_nulls: int
    # Result columns whose answers were compared.
    columns: tuple[str, ...] = ()
    # Set by the ledger.
    checked_at: datetime | None = None

    def facts(self) -> dict[str, Any]:
        """The columns of the view `parity_checks`, but for model and version, and the result columns compared."""
        return {name: value for name, value in asdict(self).items() if name != "reference"}

    def __str__(self) -> str:
        """As in "proven on onnxruntime 1.32.0 CPU, max |Δ| 1.2e-7 over 500 rows, 37 with nulls, of label, score"."""
        what = "proven" if self.passed else "refuted"
        place = f"{what} on onnxruntime {self.runtime} {self.provider.removesuffix('ExecutionProvider')}"
        most = "" if self.max_difference is None else f", max |Δ| {short(self.max_difference)}"
        nulls = f"{self.rows_with_nulls:,}" if self.rows_with_nulls else "none"
        worst = "" if self.passed else f"; {self.worst}"
        return f"{place}{most} over {self.rows:,} rows, {nulls} with nulls{self._compared()}{worst}"

    def _compared(self) -> str:
        more = f" and {len(self.columns) - _SHOWN} more" if len(self.columns) > _SHOWN else ""
        return f", of {', '.join(self.columns[:_SHOWN])}{more}" if self.columns else ""


def reference_key(sha256: str, tolerance: float) -> str:
    """What a proof is bound to. sha256: of the file with the reference rows."""
    return hashlib.sha256(f"{sha256} {tolerance!r}".encode()).hexdigest()


def short(number: float) -> str:
    """Two digits: 1.2e-7."""
    return f"{number:.2g}".replace("e-0", "e-").replace("e+0", "e+")
