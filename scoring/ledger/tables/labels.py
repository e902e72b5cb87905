"""Labels that came after the job, and how its figures changed with them."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from scoring.ledger.tables.base import metadata

label_files = Table(
    "label_files",
    metadata,
    Column("job_id", Text, ForeignKey("jobs.job_id", name="label_files_job"), nullable=False),
    # From 1 within the job.
    Column("revision", Integer, nullable=False),
    # As the user named it.
    Column("file", Text, nullable=False),
    Column("key_column", Text, nullable=False),
    Column("label_column", Text, nullable=False),
    # Of the copy, relative to the store.
    Column("path", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    # Keys with a label in the file.
    Column("labels", BigInteger, nullable=False),
    # Keys that no row of the result has.
    Column("keys_unknown", BigInteger, nullable=False),
    # Keys that stand in the file more than once, with one and the same label.
    Column("keys_doubled", BigInteger, nullable=False),
    # Keys whose label an earlier revision, or the input, had already given.
    Column("keys_replaced", BigInteger, nullable=False),
    # Keys that several rows of the result share: all of them are labelled.
    Column("keys_shared", BigInteger, nullable=False),
    Column("added_at", BigInteger, nullable=False),
    # When the figures with it were stored; NULL: not yet, the next call does it.
    Column("measured_at", BigInteger),
    PrimaryKeyConstraint("job_id", "revision", name="label_files_key"),
    CheckConstraint("revision >= 1 AND labels >= 0 AND keys_unknown >= 0", name="label_files_counts"),
)

past_metrics = Table(
    "past_metrics",
    metadata,
    Column("job_id", Text, ForeignKey("jobs.job_id", name="past_metrics_job"), nullable=False),
    # 0: with the labels of the input; then as label_files.
    Column("revision", Integer, nullable=False),
    Column("metric", Text, nullable=False),
    Column("value", Double),
    Column("rows", BigInteger, nullable=False),
    Column("coverage", Double),
    Column("reason", Text),
    Column("measured_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("job_id", "revision", "metric", name="past_metrics_key"),
    CheckConstraint("revision >= 0", name="past_metrics_revision"),
    CheckConstraint("value IS NOT NULL OR reason IS NOT NULL", name="past_metrics_reason"),
)
