"""Steps, and one row for each attempt that has ended."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from scoring.core.states import StepKind, StepState
from scoring.ledger.records import AttemptEnd
from scoring.ledger.tables.base import metadata, one_of, partial_index

steps = Table(
    "steps",
    metadata,
    Column("job_id", Text, ForeignKey("jobs.job_id", name="steps_job"), nullable=False),
    Column("kind", Text, nullable=False),
    # −1 for split and finalize.
    Column("chunk", Integer, nullable=False),
    # As the job's; copied, so that the publisher's indexes hold them.
    Column("runner", Text, nullable=False),
    Column("priority", Text, nullable=False),
    # Bytes of the chunk file, which the disk gets back when this step ends.
    Column("bytes", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("worker", Text),
    Column("lease_until", BigInteger),
    Column("due_at", BigInteger),
    Column("rung_at", BigInteger),
    # Times rung since it last became due.
    Column("rings", Integer, nullable=False),
    Column("started_at", BigInteger),
    Column("finished_at", BigInteger),
    Column("error_code", Text),
    Column("error", Text),
    PrimaryKeyConstraint("job_id", "kind", "chunk", name="steps_key"),
    CheckConstraint(one_of("kind", StepKind), name="steps_kind"),
    CheckConstraint(one_of("state", StepState), name="steps_state"),
    CheckConstraint("(kind = 'score') = (chunk >= 0) AND chunk >= -1", name="steps_chunk"),
    CheckConstraint("attempt >= 0 AND failures >= 0 AND failures <= attempt", name="steps_counts"),
    CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name="steps_lease_while_running"),
    CheckConstraint("due_at IS NULL OR state IN ('pending', 'retrying')", name="steps_due_while_waiting"),
    CheckConstraint("rung_at IS NULL OR due_at IS NOT NULL", name="steps_rung_while_due"),
    CheckConstraint(
        "(finished_at IS NULL) = (state IN ('pending', 'running', 'retrying'))", name="steps_finished_when_settled"
    ),
    CheckConstraint("state <> 'running' OR (worker IS NOT NULL AND attempt >= 1)", name="steps_running_by_someone"),
    sqlite_with_rowid=False,
)


_ringable = steps.c.due_at.is_not(None) & steps.c.rung_at.is_(None)
# The columns that are NULL in all its rows stand in an index too: so SQLite prefers it to the key of the table.
partial_index(
    "steps_ringable", steps.c.job_id, steps.c.rung_at, steps.c.chunk, steps.c.kind, steps.c.due_at, where=_ringable
)
partial_index("steps_rung", steps.c.priority, steps.c.rung_at, where=steps.c.rung_at.is_not(None))
partial_index("steps_leased", steps.c.lease_until, where=steps.c.lease_until.is_not(None))
_live_work = steps.c.finished_at.is_(None) & (steps.c.kind != "finalize")
partial_index("steps_live", steps.c.job_id, steps.c.finished_at, where=_live_work)
_unscored = steps.c.finished_at.is_(None) & (steps.c.bytes > 0)
partial_index("steps_unscored", steps.c.job_id, steps.c.bytes, where=_unscored)
partial_index("steps_failed", steps.c.job_id, steps.c.kind, where=steps.c.state == "failed")

attempts = Table(
    "attempts",
    metadata,
    Column("job_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("chunk", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("worker", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("error_code", Text),
    Column("error", Text),
    PrimaryKeyConstraint("job_id", "kind", "chunk", "attempt", name="attempts_key"),
    ForeignKeyConstraint(
        ["job_id", "kind", "chunk"], ["steps.job_id", "steps.kind", "steps.chunk"], name="attempts_step"
    ),
    CheckConstraint("attempt >= 1", name="attempts_from_one"),
    CheckConstraint(one_of("outcome", AttemptEnd), name="attempts_outcome"),
    CheckConstraint("outcome NOT IN ('retryable', 'permanent') OR error_code IS NOT NULL", name="attempts_reason"),
    sqlite_with_rowid=False,
)
