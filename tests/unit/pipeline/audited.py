"""A job that succeeded, to be harmed and audited: made once, put back for each test."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scoring.core.audit import Audit, CheckStatus
from scoring.core.ids import JobId
from scoring.ledger.database import Ledger
from scoring.pipeline.audit import audit
from tests.place import Place
from tests.unit.pipeline.one_job import scored, table_model, write_rows
from tests.unit.pipeline.test_lease import context_in

CHUNKS = 3
CHUNK_ROWS = 10
ROWS = CHUNKS * CHUNK_ROWS
OFF = "x"
"""No number: two rows of each chunk are rejected for it."""


class Audited:
    """The folder of one job and its ledger."""

    def __init__(self, place: Place, job_id: JobId) -> None:
        self._place = place
        self.job_id = job_id

    @property
    def out(self) -> Path:
        return self._place.folder / "out"

    def put_back(self) -> None:
        self._place.put_back()

    def sql(self, *statements: str) -> None:
        """Change the ledger behind everybody's back."""
        ledger = sqlite3.connect(self._place.folder / "home" / "ledger.db")
        with ledger:
            for statement in statements:
                ledger.execute("PRAGMA ignore_check_constraints = on")
                ledger.execute(statement)
        ledger.close()

    def edit_manifest(self, edit: Callable[[dict[str, Any]], object]) -> None:
        path = self.out / "_manifest.json"
        manifest = json.loads(path.read_text())
        edit(manifest)
        path.write_text(json.dumps(manifest))

    def audit(self, **options: Any) -> Audit:
        ledger = Ledger.open(f"sqlite:///{self._place.folder / 'home' / 'ledger.db'}")
        try:
            return audit(ledger, self.job_id, **options)
        finally:
            ledger.close()

    def failed(self) -> dict[str, str]:
        """Checks that failed: name → message."""
        return {c.name: c.message for c in self.audit().checks if c.status is CheckStatus.FAILED}


def make(folder: Path) -> Audited:
    """Three chunks of ten rows, two of which are rejected."""
    place = Place(folder)
    context = context_in(place.folder / "home")
    model = table_model(place.folder / "table.onnx", [float(row) for row in range(ROWS)])
    cells = [OFF if row % CHUNK_ROWS < 2 else str(row) for row in range(ROWS)]
    rows = write_rows(place.folder / "rows.csv", i=cells, k=[f"k{row}" for row in range(ROWS)])
    job = scored(context, model, rows, key="k", chunk_rows=CHUNK_ROWS)
    context.ledger.close()
    place.keep()
    return Audited(place, job.id)
