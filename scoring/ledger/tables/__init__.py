"""The tables as the code sees them. `migrations/` makes them; a test holds the two together."""

from scoring.ledger.tables.accuracy import chunk_metrics, chunk_sums, drift, job_metrics
from scoring.ledger.tables.base import metadata
from scoring.ledger.tables.deployment import locks, meta, processes, roles
from scoring.ledger.tables.jobs import jobs
from scoring.ledger.tables.labels import label_files, past_metrics
from scoring.ledger.tables.parts import chunks, parts, reject_counts, warning_counts
from scoring.ledger.tables.registry import model_aliases, model_versions, models, parity_proofs
from scoring.ledger.tables.schedules import schedule_changes, schedules, slots
from scoring.ledger.tables.steps import attempts, steps

__all__ = [
    "attempts",
    "chunk_metrics",
    "chunk_sums",
    "chunks",
    "drift",
    "job_metrics",
    "jobs",
    "label_files",
    "locks",
    "meta",
    "metadata",
    "model_aliases",
    "model_versions",
    "models",
    "parity_proofs",
    "parts",
    "past_metrics",
    "processes",
    "reject_counts",
    "roles",
    "schedule_changes",
    "schedules",
    "slots",
    "steps",
    "warning_counts",
]
