"""Schedules, what was changed about them, and what became of their slots."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    false,
)

from scoring.core.schedules.policies import CatchUp, Overlap, ScheduleChange, SlotOrigin, SlotState
from scoring.ledger.tables.base import DOCUMENT, metadata, one_of, partial_index

schedules = Table(
    "cron_schedules",
    metadata,
    Column("name", Text, nullable=False),
    # From 1; one more with each change, removal included, and never used twice for a name.
    Column("revision", Integer, nullable=False),
    Column("cron", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("overlap", Text, nullable=False),
    Column("catch_up", Text, nullable=False),
    # The whole of it: core.schedules.definition.
    Column("definition", DOCUMENT, nullable=False),
    # Written by `schedule apply`: only such a schedule is taken away by --prune.
    Column("managed", Boolean(create_constraint=False), nullable=False),
    Column("paused", Boolean(create_constraint=False), nullable=False),
    # The first slot that nobody has decided on yet; NULL while paused, or where the cron line has no time left.
    Column("next_slot", BigInteger),
    # Where it stood when it was paused: the slots from here on are put on record at its resumption.
    Column("paused_from", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("name", name="cron_schedules_key"),
    CheckConstraint(one_of("overlap", Overlap), name="cron_schedules_overlap"),
    CheckConstraint(one_of("catch_up", CatchUp), name="cron_schedules_catch_up"),
    CheckConstraint("revision >= 1", name="cron_schedules_from_one"),
    CheckConstraint("NOT paused OR next_slot IS NULL", name="cron_schedules_paused"),
)
partial_index("cron_schedules_due", schedules.c.next_slot, where=schedules.c.next_slot.is_not(None))

schedule_changes = Table(
    "schedule_changes",
    metadata,
    Column("name", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("change", Text, nullable=False),
    # As it was from this change on.
    Column("definition", DOCUMENT, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("name", "revision", name="schedule_changes_key"),
    CheckConstraint(one_of("change", ScheduleChange), name="schedule_changes_change"),
)

slots = Table(
    "slots",
    metadata,
    # No foreign key: slots outlive a schedule that is removed, so that its namesake does not run them again.
    Column("schedule", Text, nullable=False),
    # Logical time.
    Column("slot", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    # Why it waits or was skipped: core.schedules.policies.SlotReason.
    Column("reason", Text),
    Column("origin", Text, nullable=False),
    # Of a backfill: how many of its slots may have live jobs at once.
    Column("max_parallel", Integer),
    # When a scheduler looks at it next; set while WAITING, and only then.
    Column("look_at", BigInteger),
    # Not started by then: skipped (--deadline).
    Column("start_by", BigInteger),
    # No input by then: refused (--wait-for-input).
    Column("input_by", BigInteger),
    # What the input looked like at the last look; started once it is the same twice.
    Column("input_seen", Text),
    # When its result should be there (--expect-by), and whether the log has said that it is not.
    Column("expected_by", BigInteger),
    Column("late_said", Boolean(create_constraint=False), nullable=False),
    Column("job_id", Text, ForeignKey("jobs.job_id", name="slots_job")),
    Column("error_code", Text),
    Column("error", Text),
    # When its state last changed.
    Column("decided_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("schedule", "slot", name="slots_key"),
    CheckConstraint(one_of("state", SlotState), name="slots_state"),
    CheckConstraint(one_of("origin", SlotOrigin), name="slots_origin"),
    CheckConstraint("(look_at IS NOT NULL) = (state = 'waiting')", name="slots_look_while_waiting"),
    CheckConstraint("(job_id IS NOT NULL) = (state = 'submitted')", name="slots_job_once_submitted"),
    CheckConstraint("state <> 'skipped' OR reason IS NOT NULL", name="slots_skipped_for_a_reason"),
    CheckConstraint("state <> 'refused' OR error_code IS NOT NULL", name="slots_refused_with_an_error"),
    CheckConstraint("max_parallel >= 1", name="slots_parallel"),
)
partial_index("slots_waiting", slots.c.schedule, slots.c.slot, where=slots.c.look_at.is_not(None))
partial_index("slots_expected", slots.c.expected_by, where=slots.c.late_said == false())
partial_index("slots_expecting", slots.c.schedule, slots.c.slot, where=slots.c.expected_by.is_not(None))
