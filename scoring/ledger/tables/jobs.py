"""Jobs."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    true,
)

from scoring.core.states import JobState, Priority
from scoring.ledger.tables.base import DOCUMENT, SERIAL, metadata, one_of, partial_index

jobs = Table(
    "jobs",
    metadata,
    # Order of submission: times may be equal, and ids are random.
    Column("number", SERIAL, Identity(), nullable=False),
    Column("job_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("runner", Text, nullable=False),
    Column("priority", Text, nullable=False),
    Column("model_version_id", BigInteger, ForeignKey("model_versions.id", name="jobs_model"), nullable=False),
    Column("schedule", Text),
    Column("slot", BigInteger),
    Column("idempotency_key", Text),
    Column("definition_sha256", Text, nullable=False),
    Column("inputs", DOCUMENT, nullable=False),
    Column("options", DOCUMENT, nullable=False),
    Column("binding", DOCUMENT, nullable=False),
    Column("output", Text, nullable=False),
    # True until the finalize step has settled: until then files may still move in the output.
    Column("output_held", Boolean(create_constraint=False), nullable=False),
    Column("chunk_rows", Integer, nullable=False),
    Column("whole_groups", Boolean(create_constraint=False), nullable=False),
    Column("max_failures", Integer, nullable=False),
    Column("micro_batch_rows", Integer),
    Column("rows_expected", BigInteger),
    # Set when the split ends.
    Column("rows_total", BigInteger),
    Column("chunks_total", Integer),
    # Carried once settled; live jobs are counted, for counters here would make commits wait for each other.
    Column("chunks_done", Integer),
    Column("chunks_failed", Integer),
    Column("rows_scored", BigInteger),
    Column("rows_rejected", BigInteger),
    Column("error_code", Text),
    Column("error", Text),
    Column("gate", Text),
    Column("submitted_at", BigInteger, nullable=False),
    Column("started_at", BigInteger),
    # Start of the present stretch of work (first claim, retry, take-over): the speed is measured from here.
    Column("working_since", BigInteger),
    Column("finished_at", BigInteger),
    # SCHEMA.NAME of the Postgres table that holds its rows too.
    Column("result_table", Text),
    # Identity, in Postgres, of the table or partition that takes them.
    Column("result_oid", BigInteger),
    # When retention took its files and rows; what is left is this row and its figures.
    Column("purged_at", BigInteger),
    PrimaryKeyConstraint("number", name="jobs_key"),
    UniqueConstraint("job_id", name="jobs_id"),
    UniqueConstraint("idempotency_key", name="jobs_idempotency_key"),
    CheckConstraint(one_of("state", JobState), name="jobs_state"),
    CheckConstraint(one_of("priority", Priority), name="jobs_priority"),
    CheckConstraint("gate IN ('passed', 'missed')", name="jobs_gate"),
    CheckConstraint("round >= 1 AND max_failures >= 1 AND chunk_rows >= 1", name="jobs_counts"),
    CheckConstraint(
        "(finished_at IS NULL) = (state IN ('accepted', 'running', 'finalizing'))", name="jobs_finished_when_settled"
    ),
    CheckConstraint("state = 'accepted' OR state = 'cancelled' OR started_at IS NOT NULL", name="jobs_started"),
    CheckConstraint(
        "state <> 'succeeded' OR error_code IS NULL OR error_code = 'gate_missed'", name="jobs_success_without_error"
    ),
    CheckConstraint("state <> 'failed' OR error_code IS NOT NULL", name="jobs_failure_with_reason"),
)
partial_index("jobs_output_held", jobs.c.output, unique=True, where=jobs.c.output_held == true())
partial_index("jobs_live", jobs.c.runner, jobs.c.priority, jobs.c.number, where=jobs.c.output_held == true())
Index("jobs_model_version", jobs.c.model_version_id)
partial_index("jobs_slot", jobs.c.schedule, jobs.c.slot, unique=True, where=jobs.c.slot.is_not(None))
partial_index("jobs_of_schedule", jobs.c.schedule, jobs.c.slot, where=jobs.c.output_held == true())
partial_index("jobs_result_table", jobs.c.result_table, where=jobs.c.result_table.is_not(None))
