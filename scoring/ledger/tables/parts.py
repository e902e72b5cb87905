"""Chunks as the split made them, and the parts that were committed."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from scoring.ledger.tables.base import DOCUMENT, metadata, partial_index

chunks = Table(
    "chunks",
    metadata,
    Column("job_id", Text, ForeignKey("jobs.job_id", name="chunks_job"), nullable=False),
    Column("chunk", Integer, nullable=False),
    Column("first_row", BigInteger, nullable=False),
    Column("rows", Integer, nullable=False),
    # By the split.
    Column("rows_rejected", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    # Chunk.source_json().
    Column("source", DOCUMENT, nullable=False),
    # Where the split goes on after this chunk: Position.to_json().
    Column("position", DOCUMENT, nullable=False),
    PrimaryKeyConstraint("job_id", "chunk", name="chunks_key"),
    UniqueConstraint("job_id", "first_row", "chunk", name="chunks_order"),
    CheckConstraint("chunk >= 0 AND first_row >= 0 AND rows >= 0", name="chunks_counts"),
    CheckConstraint("rows_rejected >= 0 AND rows_rejected <= rows", name="chunks_rejected"),
)
partial_index("chunks_rejects", chunks.c.job_id, chunks.c.rows_rejected, where=chunks.c.rows_rejected > 0)

parts = Table(
    "parts",
    metadata,
    Column("job_id", Text, nullable=False),
    Column("chunk", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    # As the chunk's: so that one row proves that nothing is missing.
    Column("rows", Integer, nullable=False),
    Column("rows_scored", Integer, nullable=False),
    Column("rows_rejected", Integer, nullable=False),
    # Those that the split had not rejected already.
    Column("rejected_in_scoring", Integer, nullable=False),
    Column("part_staged", Text, nullable=False),
    Column("part_path", Text, nullable=False),
    Column("part_bytes", BigInteger, nullable=False),
    Column("part_sha256", Text, nullable=False),
    # All NULL where no row was rejected.
    Column("rejects_staged", Text),
    Column("rejects_path", Text),
    Column("rejects_bytes", BigInteger),
    Column("rejects_sha256", Text),
    Column("committed_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("job_id", "chunk", name="parts_key"),
    ForeignKeyConstraint(["job_id", "chunk"], ["chunks.job_id", "chunks.chunk"], name="parts_chunk"),
    CheckConstraint("rows_scored >= 0 AND rows_scored + rows_rejected = rows", name="parts_every_row"),
    CheckConstraint(
        "rejected_in_scoring >= 0 AND rejected_in_scoring <= rows_rejected", name="parts_rejected_in_scoring"
    ),
    CheckConstraint("(rejects_path IS NOT NULL) = (rows_rejected > 0)", name="parts_rejects"),
)
Index("parts_counted", parts.c.job_id, parts.c.committed_at, parts.c.rows_scored, parts.c.rows_rejected)
partial_index("parts_rejecting", parts.c.job_id, parts.c.rejected_in_scoring, where=parts.c.rejected_in_scoring > 0)

reject_counts = Table(
    "reject_counts",
    metadata,
    Column("job_id", Text, nullable=False),
    Column("chunk", Integer, nullable=False),
    Column("code", Text, nullable=False),
    # "" where the whole row is at fault.
    Column("column_name", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    PrimaryKeyConstraint("job_id", "chunk", "code", "column_name", name="reject_counts_key"),
    ForeignKeyConstraint(["job_id", "chunk"], ["chunks.job_id", "chunks.chunk"], name="reject_counts_chunk"),
    CheckConstraint("rows > 0", name="reject_counts_some"),
    sqlite_with_rowid=False,
)

warning_counts = Table(
    "warning_counts",
    metadata,
    Column("job_id", Text, nullable=False),
    Column("chunk", Integer, nullable=False),
    Column("code", Text, nullable=False),
    Column("column_name", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    PrimaryKeyConstraint("job_id", "chunk", "code", "column_name", name="warning_counts_key"),
    ForeignKeyConstraint(["job_id", "chunk"], ["parts.job_id", "parts.chunk"], name="warning_counts_part"),
    CheckConstraint("rows > 0", name="warning_counts_some"),
    sqlite_with_rowid=False,
)
