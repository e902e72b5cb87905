"""Many nightly batches of one model, as jobs leave them: `python -m benchmarks.batches FOLDER JOBS ROWS`.

Parts and manifests are written by the program's own functions, the ledger's rows by statements: to score a hundred
million rows takes longer than to ask for them.
"""

import sqlite3
import sys
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from scoring.core.binding import Binding
from scoring.core.chunks import MAX_CHUNK_ROWS
from scoring.core.ids import JobId, new_job_id
from scoring.core.options import JobOptions
from scoring.data.manifest import Manifest, ManifestPart, write_manifest
from scoring.data.parts import promote, stage_part
from scoring.ledger import jobs, models
from scoring.ledger.database import Ledger
from scoring.ledger.records import FLEET, NewJob, NewVersion

MODEL = "churn"
SHA256 = "a" * 64
COLUMNS = pa.schema([("_row", pa.int64()), ("customer_id", pa.int64()), ("score", pa.float64())])
FIRST_SLOT = datetime(2026, 1, 1, 2, tzinfo=UTC)

_SUCCEED = """
UPDATE jobs SET state = 'succeeded', output_held = 0, started_at = submitted_at, finished_at = submitted_at + 60000000,
    rows_total = :rows, rows_scored = :rows, rows_rejected = 0, chunks_total = :chunks, chunks_done = :chunks,
    chunks_failed = 0
WHERE job_id = :job
"""
_MEASURE = "INSERT INTO job_metrics (job_id, metric, value, rows, coverage) VALUES (:job, 'accuracy', :value, :rows, 1)"


@dataclass(frozen=True, kw_only=True)
class Batch:
    job_id: JobId
    number: int
    rows: int
    output: Path

    @property
    def chunks(self) -> int:
        return -(-self.rows // MAX_CHUNK_ROWS)


def make(home: Path, count: int, rows: int) -> None:
    """Fill a new home with `count` succeeded jobs of `rows` rows each, one slot a day."""
    home.mkdir(parents=True)
    ledger = Ledger.open(f"sqlite:///{home / 'ledger.db'}")
    registered = NewVersion(name=MODEL, sha256=SHA256, path="models/a", signature={})
    model = ledger.run(lambda tx: models.register(tx, registered))
    batches = [
        Batch(job_id=job_id, number=number, rows=rows, output=home / "store" / "results" / job_id)
        for number, job_id in enumerate(new_job_id() for _ in range(count))
    ]
    for batch in batches:
        _write(batch)
        _record(ledger, batch, model.id)
    ledger.close()
    with closing(sqlite3.connect(home / "ledger.db")) as database, database:
        for batch in batches:
            values = {"job": batch.job_id, "rows": rows, "chunks": batch.chunks, "value": 0.9 - batch.number / 10_000}
            database.execute(_SUCCEED, values)
            database.execute(_MEASURE, values)


def _write(batch: Batch) -> None:
    random = np.random.default_rng(batch.number)
    parts = [_part(batch, chunk, random) for chunk in range(batch.chunks)]
    manifest = Manifest(
        job_id=batch.job_id,
        model_name=MODEL,
        model_version=1,
        model_sha256=SHA256,
        rows_total=batch.rows,
        rows_scored=batch.rows,
        rows_rejected=0,
        schema=COLUMNS,
        parts=parts,
    )
    write_manifest(batch.output, manifest)


def _part(batch: Batch, chunk: int, random: np.random.Generator) -> ManifestPart:
    first = chunk * MAX_CHUNK_ROWS
    rows = min(MAX_CHUNK_ROWS, batch.rows - first)
    columns = [np.arange(first, first + rows), random.integers(0, 10**9, rows), random.random(rows)]
    metadata = {"scoring.job_id": batch.job_id, "scoring.chunk": str(chunk)}
    staged = stage_part(batch.output, chunk, 1, pa.table(columns, schema=COLUMNS), metadata=metadata)
    promote(batch.output, staged)
    return ManifestPart(chunk=chunk, first_row=first, rows_rejected=0, part=staged)


def _record(ledger: Ledger, batch: Batch, model: int) -> None:
    new = NewJob(
        id=batch.job_id,
        runner=FLEET,
        model_version_id=model,
        inputs=(),
        options=JobOptions(),
        binding=Binding(columns=(), inputs=(), outputs=()),
        output=str(batch.output),
        definition_sha256="d" * 64,
        chunk_rows=MAX_CHUNK_ROWS,
        schedule="nightly",
        slot=FIRST_SLOT + timedelta(days=batch.number),
    )
    ledger.run(lambda tx: jobs.insert_job(tx, new))


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
