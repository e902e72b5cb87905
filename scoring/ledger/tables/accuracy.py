"""Figures."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    false,
)

from scoring.ledger.tables.base import DOCUMENT, metadata

# Beside `parts`, for these are large and dropped once the job's figures are stored.
chunk_sums = Table(
    "chunk_sums",
    metadata,
    Column("job_id", Text, nullable=False),
    Column("chunk", Integer, nullable=False),
    Column("sums", LargeBinary, nullable=False),
    PrimaryKeyConstraint("job_id", "chunk", name="chunk_sums_key"),
    ForeignKeyConstraint(["job_id", "chunk"], ["chunks.job_id", "chunks.chunk"], name="chunk_sums_chunk"),
)

chunk_metrics = Table(
    "chunk_metrics",
    metadata,
    Column("job_id", Text, nullable=False),
    Column("chunk", Integer, nullable=False),
    Column("metric", Text, nullable=False),
    Column("value", Double),
    Column("rows", BigInteger, nullable=False),
    Column("reason", Text),
    PrimaryKeyConstraint("job_id", "chunk", "metric", name="chunk_metrics_key"),
    ForeignKeyConstraint(["job_id", "chunk"], ["chunks.job_id", "chunks.chunk"], name="chunk_metrics_chunk"),
    sqlite_with_rowid=False,
)

job_metrics = Table(
    "job_metrics",
    metadata,
    Column("job_id", Text, ForeignKey("jobs.job_id", name="job_metrics_job"), nullable=False),
    Column("metric", Text, nullable=False),
    Column("value", Double),
    # Labelled rows.
    Column("rows", BigInteger, nullable=False),
    # Labelled rows / scored rows.
    Column("coverage", Double),
    # Why there is no value.
    Column("reason", Text),
    # How far the value may be from the exact one, where it is not exact.
    Column("bound", Double),
    Column("detail", DOCUMENT),
    PrimaryKeyConstraint("job_id", "metric", name="job_metrics_key"),
    CheckConstraint("value IS NOT NULL OR reason IS NOT NULL OR detail IS NOT NULL", name="job_metrics_reason"),
)

drift = Table(
    "drift",
    metadata,
    Column("job_id", Text, ForeignKey("jobs.job_id", name="drift_job"), nullable=False),
    Column("feature", Text, nullable=False),
    Column("metric", Text, nullable=False),
    Column("value", Double),
    Column("threshold", Double),
    Column("alert", Boolean(create_constraint=False), server_default=false(), nullable=False),
    PrimaryKeyConstraint("job_id", "feature", "metric", name="drift_key"),
)
